//! What the types of sockets have in common, each of which is a `Socket` of std's type: methods and traits, as macros.

/// Methods that are std's.
macro_rules! delegate {
    ($Std:path: $(
        $(#[$doc:meta])*
        fn $name:ident(&self $(, $arg:ident: $A:ty)*) -> $T:ty;
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("As [`", stringify!($Std), "::", stringify!($name), "`].")]
        pub fn $name(&self $(, $arg: $A)*) -> std::io::Result<$T> {
            self.0.get().$name($($arg),*)
        }
    )*};
}

/// The methods and traits that have to do with a socket as such: modes, clones, descriptors, conversions.
macro_rules! socket {
    ($T:ident, $Std:path, $example:literal) => {
        impl $T {
            /// Another handle of the same socket. All share its modes and time-outs.
            ///
            /// # Errors
            #[doc = concat!("As [`", stringify!($Std), "::try_clone`].")]
            ///
            /// ```
            /// # sward::run(|| {
            #[doc = $example]
            /// let clone = socket.try_clone()?;
            /// # drop(clone);
            /// # std::io::Result::Ok(()) }).unwrap()
            /// ```
            pub fn try_clone(&self) -> std::io::Result<$T> {
                self.0.try_clone().map($T)
            }

            /// In non-blocking mode, an operation that would have to wait returns an error of the kind `WouldBlock` instead.
            ///
            /// # Errors
            /// None, on Linux.
            ///
            /// ```
            /// # sward::run(|| {
            #[doc = $example]
            /// socket.set_nonblocking(true)?;
            /// # std::io::Result::Ok(()) }).unwrap()
            /// ```
            pub fn set_nonblocking(&self, nonblocking: bool) -> std::io::Result<()> {
                self.0.set_nonblocking(nonblocking);
                Ok(())
            }

            delegate! { $Std:
                /// The error that the socket has met since this was last called.
                ///
                /// ```
                /// # sward::run(|| {
                #[doc = $example]
                /// assert!(socket.take_error()?.is_none());
                /// # std::io::Result::Ok(()) }).unwrap()
                /// ```
                fn take_error(&self) -> Option<std::io::Error>;
            }
        }

        /// As std's.
        impl std::fmt::Debug for $T {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.get().fmt(f)
            }
        }

        impl std::os::fd::AsFd for $T {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.0.get().as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $T {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.0.get().as_raw_fd()
            }
        }

        impl std::os::fd::IntoRawFd for $T {
            fn into_raw_fd(self) -> std::os::fd::RawFd {
                self.0.release().into_raw_fd()
            }
        }

        impl std::os::fd::FromRawFd for $T {
            unsafe fn from_raw_fd(fd: std::os::fd::RawFd) -> $T {
                // SAFETY: the caller's promise is the same.
                $T::from(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) })
            }
        }

        impl From<std::os::fd::OwnedFd> for $T {
            fn from(fd: std::os::fd::OwnedFd) -> $T {
                <$Std>::from(fd).into()
            }
        }

        impl From<$T> for std::os::fd::OwnedFd {
            fn from(socket: $T) -> std::os::fd::OwnedFd {
                socket.0.release().into()
            }
        }

        impl From<$T> for $Std {
            fn from(socket: $T) -> $Std {
                socket.0.release()
            }
        }
    };
}

/// Those of a socket that has time-outs, too.
macro_rules! timed_socket {
    ($T:ident, $Std:path, $example:literal) => {
        socket!($T, $Std, $example);

        impl $T {
            /// Sets how long a read waits at most; `None` is for ever. One that runs out of time returns an error of the kind `WouldBlock`.
            ///
            /// # Errors
            /// For a time-out of zero: `InvalidInput`.
            ///
            /// ```
            /// # sward::run(|| {
            #[doc = $example]
            /// socket.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
            /// assert_eq!(socket.read_timeout()?.unwrap().as_secs(), 5);
            /// # std::io::Result::Ok(()) }).unwrap()
            /// ```
            pub fn set_read_timeout(&self, timeout: Option<std::time::Duration>) -> std::io::Result<()> {
                self.0.set_timeout(sward_sched::Interest::Read, timeout, <$Std>::set_read_timeout)
            }

            /// Sets how long a write waits at most; `None` is for ever. One that runs out of time returns an error of the kind `WouldBlock`.
            ///
            /// # Errors
            /// For a time-out of zero: `InvalidInput`.
            ///
            /// ```
            /// # sward::run(|| {
            #[doc = $example]
            /// socket.set_write_timeout(Some(std::time::Duration::from_secs(5)))?;
            /// assert_eq!(socket.write_timeout()?.unwrap().as_secs(), 5);
            /// # std::io::Result::Ok(()) }).unwrap()
            /// ```
            pub fn set_write_timeout(&self, timeout: Option<std::time::Duration>) -> std::io::Result<()> {
                self.0.set_timeout(sward_sched::Interest::Write, timeout, <$Std>::set_write_timeout)
            }

            delegate! { $Std:
                /// How long a read waits at most, in the kernel's resolution.
                fn read_timeout(&self) -> Option<std::time::Duration>;
                /// How long a write waits at most, in the kernel's resolution.
                fn write_timeout(&self) -> Option<std::time::Duration>;
            }
        }

        impl From<$Std> for $T {
            fn from(socket: $Std) -> $T {
                let timeouts = [socket.read_timeout(), socket.write_timeout()];
                $T(crate::net::socket::Socket::adopt(socket, timeouts))
            }
        }
    };
}

/// Those of a socket without time-outs.
macro_rules! untimed_socket {
    ($T:ident, $Std:path, $example:literal) => {
        socket!($T, $Std, $example);

        impl From<$Std> for $T {
            fn from(socket: $Std) -> $T {
                $T(crate::net::socket::Socket::adopt(socket, [Ok(None), Ok(None)]))
            }
        }
    };
}

/// `Read` and `Write` for a stream, as they are for a reference to it.
macro_rules! by_value {
    ($T:ident) => {
        impl std::io::Read for $T {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                (&*self).read(buf)
            }

            fn read_vectored(&mut self, bufs: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
                (&*self).read_vectored(bufs)
            }
        }

        impl std::io::Write for $T {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                (&*self).write(buf)
            }

            fn write_vectored(&mut self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                (&*self).write_vectored(bufs)
            }

            /// Does nothing: there is no buffer in the process.
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}

pub(super) use {by_value, delegate, socket, timed_socket, untimed_socket};
