//! std's traits for what has a file descriptor behind it: each call is std's, in [`unblock`](crate::unblock).
//!
//! `this => this.0` tells how to get at std's stream, where that has to be borrowed mutably; `this => (&this.0)` where a shared borrow will do.

/// Implements `Read`.
macro_rules! impl_read {
    ($T:ty, $this:ident => $inner:expr) => {
        impl ::std::io::Read for $T {
            fn read(&mut self, buf: &mut [u8]) -> ::std::io::Result<usize> {
                let $this = self;
                $crate::unblock(|| ::std::io::Read::read(&mut $inner, buf))
            }

            fn read_vectored(&mut self, bufs: &mut [::std::io::IoSliceMut<'_>]) -> ::std::io::Result<usize> {
                let $this = self;
                $crate::unblock(|| ::std::io::Read::read_vectored(&mut $inner, bufs))
            }

            fn read_to_end(&mut self, buf: &mut Vec<u8>) -> ::std::io::Result<usize> {
                let $this = self;
                $crate::unblock(|| ::std::io::Read::read_to_end(&mut $inner, buf))
            }

            fn read_to_string(&mut self, buf: &mut String) -> ::std::io::Result<usize> {
                let $this = self;
                $crate::unblock(|| ::std::io::Read::read_to_string(&mut $inner, buf))
            }
        }
    };
}

/// Implements `Write`, for what has no buffer in the process.
macro_rules! impl_write {
    ($T:ty, $this:ident => $inner:expr) => {
        impl ::std::io::Write for $T {
            fn write(&mut self, buf: &[u8]) -> ::std::io::Result<usize> {
                let $this = self;
                $crate::unblock(|| ::std::io::Write::write(&mut $inner, buf))
            }

            fn write_vectored(&mut self, bufs: &[::std::io::IoSlice<'_>]) -> ::std::io::Result<usize> {
                let $this = self;
                $crate::unblock(|| ::std::io::Write::write_vectored(&mut $inner, bufs))
            }

            fn write_all(&mut self, buf: &[u8]) -> ::std::io::Result<()> {
                let $this = self;
                $crate::unblock(|| ::std::io::Write::write_all(&mut $inner, buf))
            }

            /// Does nothing: there is no buffer in the process.
            fn flush(&mut self) -> ::std::io::Result<()> {
                Ok(())
            }
        }
    };
}

/// Implements what is possible with the descriptor of `$T(pub(crate) $Std)`: looking at it, giving it away, and being made from it.
macro_rules! impl_fd {
    ($T:ident, $Std:ty) => {
        impl ::std::os::fd::AsFd for $T {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                ::std::os::fd::AsFd::as_fd(&self.0)
            }
        }

        impl ::std::os::fd::AsRawFd for $T {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                ::std::os::fd::AsRawFd::as_raw_fd(&self.0)
            }
        }

        impl ::std::os::fd::IntoRawFd for $T {
            fn into_raw_fd(self) -> ::std::os::fd::RawFd {
                ::std::os::fd::IntoRawFd::into_raw_fd(self.0)
            }
        }

        impl From<$Std> for $T {
            fn from(inner: $Std) -> $T {
                $T(inner)
            }
        }

        impl From<$T> for $Std {
            fn from(this: $T) -> $Std {
                this.0
            }
        }

        impl From<::std::os::fd::OwnedFd> for $T {
            fn from(fd: ::std::os::fd::OwnedFd) -> $T {
                $T(fd.into())
            }
        }

        impl From<$T> for ::std::os::fd::OwnedFd {
            fn from(this: $T) -> ::std::os::fd::OwnedFd {
                this.0.into()
            }
        }

        impl From<$T> for ::std::process::Stdio {
            fn from(this: $T) -> ::std::process::Stdio {
                this.0.into()
            }
        }
    };
}

pub(crate) use {impl_fd, impl_read, impl_write};
