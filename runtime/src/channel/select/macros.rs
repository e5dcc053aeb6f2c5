//! `select!` and `select_biased!`.
//!
//! They expand in three steps. `@head` and `@body` take the cases off the tokens, one by one; all errors of syntax are found here. `@bind`
//! evaluates the ends of the channels, each once, and gives each case its number, a name for the end, and a slot for the message. `@choose`
//! has all of that and writes the selection down.
//!
//! The names of `@bind` are told apart by hygiene: each of its expansions has its own `end` and `slot`. The arms are not closures, so
//! `break`, `continue`, `return` and `?` in them do what they say.

/// Waits until one of several channel operations can be done, and does it.
///
/// - `recv(receiver) -> message => …` receives; `message` is a pattern for a `Result<T, RecvError>`.
/// - `send(sender, value) -> result => …` sends; `result` is a pattern for a `Result<(), SendError<T>>`.
/// - `default => …` is for when none of the others can be done at once, `default(timeout) => …` for when none could within this
///   [`Duration`](std::time::Duration).
///
/// If several can be done, one of them is chosen at random, each with the same probability; [`select_biased!`](crate::select_biased) takes the first.
/// An operation whose channel is disconnected can be done: it tells so. `select! {}` waits for ever.
///
/// What `receiver` and `sender` stand for are expressions, which are evaluated once, in order. They may be references, boxes, and whatever
/// else dereferences to the end of a channel. `value` is evaluated only when its case has been chosen. Until it has been, the other side
/// waits, or a place in the channel is kept.
///
/// The whole is an expression, whose value is that of the arm. Arms may `break`, `continue`, `return` and use `?`. A comma follows an arm that is
/// not a block.
///
/// For a set of operations that is known only when the program runs, there is [`Select`](crate::channel::Select).
///
/// # Examples
/// ```standalone_crate
/// # #[sward::main]
/// # fn main() {
/// use sward::channel::{self, select};
///
/// let (numbers, from_numbers) = channel::bounded(0);
/// let (words, from_words) = channel::bounded(0);
/// sward::spawn(move || (0..3).try_for_each(|n| numbers.send(n)));
/// sward::spawn(move || words.send("word"));
///
/// let (mut sum, mut word) = (0, "");
/// for _ in 0..4 {
///     select! {
///         recv(from_numbers) -> n => sum += n.unwrap_or(0),
///         recv(from_words) -> w => word = w.unwrap_or(word),
///     }
/// }
/// # assert!(sum <= 3);
/// # }
/// ```
///
/// With a time limit, and a `value` that is not evaluated in vain:
/// ```
/// use std::time::Duration;
/// use sward::channel::bounded;
/// use sward::select;
///
/// let (s, r) = bounded(1);
/// let mut jobs = vec!["second", "first"];
/// for _ in 0..2 {
///     select! {
///         send(s, jobs.pop().unwrap()) -> sent => sent.unwrap(),
///         default(Duration::from_millis(1)) => println!("nobody wants it"),
///     }
/// }
/// assert_eq!(jobs, ["second"]);
/// assert_eq!(r.recv(), Ok("first"));
/// ```
///
/// A case that is there only sometimes:
/// ```
/// use sward::channel::{never, select, unbounded};
///
/// let (s, r) = unbounded();
/// s.send(7).unwrap();
/// let also: Option<&sward::channel::Receiver<i32>> = None;
/// let got = select! {
///     recv(r) -> n => n,
///     recv(also.unwrap_or(&never())) -> n => n,
/// };
/// assert_eq!(got, Ok(7));
/// ```
#[macro_export]
macro_rules! select {
    ($($tokens:tt)*) => {
        $crate::__select!(@head false [] $($tokens)*)
    };
}

/// As [`select!`](crate::select), but of the operations that can be done, takes the one that comes first in the text.
///
/// # Examples
/// ```
/// use sward::channel::{select_biased, unbounded};
///
/// let (stop, stopped) = unbounded::<()>();
/// let (jobs, todo) = unbounded();
/// jobs.send(1).unwrap();
/// stop.send(()).unwrap();
/// let job = select_biased! {
///     recv(stopped) -> _ => None,
///     recv(todo) -> job => job.ok(),
/// };
/// assert_eq!(job, None);
/// ```
#[macro_export]
macro_rules! select_biased {
    ($($tokens:tt)*) => {
        $crate::__select!(@head true [] $($tokens)*)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // The next case: what comes before its `=>`. A case becomes `{ kind (end or timeout) (value) (pattern) }`, its body follows.
    (@head $is_biased:tt [$($cases:tt)*]) => {
        $crate::__select!(@bind $is_biased [$($cases)*] [] (0) [])
    };
    (@head $is_biased:tt $cases:tt recv($end:expr $(,)?) -> $result:pat => $($rest:tt)*) => {
        $crate::__select!(@body $is_biased $cases { recv ($end) () ($result) } $($rest)*)
    };
    (@head $is_biased:tt $cases:tt send($end:expr, $value:expr $(,)?) -> $result:pat => $($rest:tt)*) => {
        $crate::__select!(@body $is_biased $cases { send ($end) ($value) ($result) } $($rest)*)
    };
    (@head $is_biased:tt $cases:tt default $(())? => $($rest:tt)*) => {
        $crate::__select!(@body $is_biased $cases { default () () () } $($rest)*)
    };
    (@head $is_biased:tt $cases:tt default($timeout:expr $(,)?) => $($rest:tt)*) => {
        $crate::__select!(@body $is_biased $cases { default ($timeout) () () } $($rest)*)
    };
    (@head $is_biased:tt $cases:tt default $(($($timeout:tt)*))? -> $($rest:tt)*) => {
        compile_error!("expected `=>` after `default`, found `->`: it has no result")
    };
    (@head $is_biased:tt $cases:tt recv($($end:tt)*) => $($rest:tt)*) => {
        compile_error!("expected `->` after `recv(…)`, found `=>`: a receive is `recv(receiver) -> message => …`")
    };
    (@head $is_biased:tt $cases:tt send($($end:tt)*) => $($rest:tt)*) => {
        compile_error!("expected `->` after `send(…)`, found `=>`: a send is `send(sender, value) -> result => …`")
    };
    (@head $is_biased:tt $cases:tt recv $($rest:tt)*) => {
        compile_error!(concat!("expected `recv(receiver) -> message => …`, found `recv ", stringify!($($rest)*), "`"))
    };
    (@head $is_biased:tt $cases:tt send $($rest:tt)*) => {
        compile_error!(concat!("expected `send(sender, value) -> result => …`, found `send ", stringify!($($rest)*), "`"))
    };
    (@head $is_biased:tt $cases:tt default $($rest:tt)*) => {
        compile_error!(concat!(
            "expected `default => …` or `default(timeout) => …`, found `default ", stringify!($($rest)*), "`"
        ))
    };
    (@head $is_biased:tt $cases:tt $found:tt $($rest:tt)*) => {
        compile_error!(concat!("expected one of `recv`, `send` or `default`, found `", stringify!($found), "`"))
    };

    // The body of that case: a block, with a comma after it or without; or another expression, with one, unless it is the last.
    (@body $is_biased:tt [$($cases:tt)*] { $($head:tt)* } { $($body:tt)* }, $($rest:tt)*) => {
        $crate::__select!(@head $is_biased [$($cases)* { $($head)* { $($body)* } }] $($rest)*)
    };
    (@body $is_biased:tt [$($cases:tt)*] { $($head:tt)* } $body:expr, $($rest:tt)*) => {
        $crate::__select!(@head $is_biased [$($cases)* { $($head)* { $body } }] $($rest)*)
    };
    (@body $is_biased:tt [$($cases:tt)*] { $($head:tt)* } { $($body:tt)* }; $($rest:tt)*) => {
        compile_error!("expected a comma or nothing after the `}` of an arm, found a semicolon")
    };
    (@body $is_biased:tt [$($cases:tt)*] { $($head:tt)* } { $($body:tt)* } $($rest:tt)*) => {
        $crate::__select!(@head $is_biased [$($cases)* { $($head)* { $($body)* } }] $($rest)*)
    };
    (@body $is_biased:tt [$($cases:tt)*] { $($head:tt)* } $body:expr) => {
        $crate::__select!(@head $is_biased [$($cases)* { $($head)* { $body } }])
    };
    (@body $is_biased:tt $cases:tt $head:tt) => {
        compile_error!("expected an expression after `=>`")
    };
    (@body $is_biased:tt $cases:tt $head:tt $($rest:tt)*) => {
        compile_error!(concat!("expected an arm and a comma after `=>`, found `", stringify!($($rest)*), "`"))
    };

    // Evaluates the ends. A case becomes `{ kind number end slot (value) (pattern) body }`.
    (@bind $is_biased:tt [{ recv ($end:expr) () $result:tt $body:tt } $($rest:tt)*] $default:tt $n:tt [$($bound:tt)*]) => {
        match $end {
            ref end => {
                let end: &$crate::channel::Receiver<_> = end;
                #[allow(unused)]
                let mut slot = $crate::channel::internal::Slot::new(end);
                $crate::__select!(
                    @bind $is_biased [$($rest)*] $default ($n + 1)
                    [$($bound)* { recv $n end slot () $result $body }]
                )
            }
        }
    };
    (@bind $is_biased:tt [{ send ($end:expr) $value:tt $result:tt $body:tt } $($rest:tt)*] $default:tt $n:tt [$($bound:tt)*]) => {
        match $end {
            ref end => {
                let end: &$crate::channel::Sender<_> = end;
                let mut slot = ();
                $crate::__select!(
                    @bind $is_biased [$($rest)*] $default ($n + 1)
                    [$($bound)* { send $n end slot $value $result $body }]
                )
            }
        }
    };
    (@bind $is_biased:tt [{ default $timeout:tt () () $body:tt } $($rest:tt)*] [] $n:tt $bound:tt) => {
        $crate::__select!(@bind $is_biased [$($rest)*] [$timeout $body] $n $bound)
    };
    (@bind $is_biased:tt [{ default $($case:tt)* } $($rest:tt)*] $default:tt $n:tt $bound:tt) => {
        compile_error!("there can be only one `default` in a `select!`")
    };
    (@bind $is_biased:tt [] $default:tt $n:tt $bound:tt) => {
        $crate::__select!(@choose $is_biased $default $bound)
    };

    // Nothing to choose from.
    (@choose $is_biased:tt [] []) => {
        $crate::channel::internal::wait_for_ever()
    };
    (@choose $is_biased:tt [() $default:tt] []) => {
        $default
    };
    // One receiver can do without a selection.
    (@choose $is_biased:tt [] [{ recv $n:tt $end:ident $slot:ident () ($result:pat) $body:tt }]) => {{
        let result = $end.recv();
        let $result = result;
        $body
    }};
    (@choose $is_biased:tt [() $default:tt] [{ recv $n:tt $end:ident $slot:ident () ($result:pat) $body:tt }]) => {
        match $end.try_recv() {
            ::core::result::Result::Err($crate::channel::TryRecvError::Empty) => $default,
            result => {
                let result = result.map_err(|_| $crate::channel::RecvError);
                let $result = result;
                $body
            }
        }
    };
    (@choose $is_biased:tt [($timeout:expr) $default:tt] [{ recv $n:tt $end:ident $slot:ident () ($result:pat) $body:tt }]) => {
        match $end.recv_timeout($timeout) {
            ::core::result::Result::Err($crate::channel::RecvTimeoutError::Timeout) => $default,
            result => {
                let result = result.map_err(|_| $crate::channel::RecvError);
                let $result = result;
                $body
            }
        }
    };
    (@choose $is_biased:tt [] [$({ $kind:ident $n:tt $end:ident $slot:ident $value:tt $result:tt $body:tt })*]) => {{
        let chosen = $crate::channel::internal::select(
            &[$($crate::channel::internal::Case::$kind($n, $end, &mut $slot)),*],
            $is_biased,
        );
        $crate::__select!(@complete chosen [$({ $kind $n $end $slot $value $result $body })*])
    }};
    (@choose $is_biased:tt [() $default:tt] [$({ $kind:ident $n:tt $end:ident $slot:ident $value:tt $result:tt $body:tt })*]) => {{
        let chosen = $crate::channel::internal::try_select(
            &[$($crate::channel::internal::Case::$kind($n, $end, &mut $slot)),*],
            $is_biased,
        );
        match chosen {
            ::core::option::Option::None => $default,
            ::core::option::Option::Some(chosen) => {
                $crate::__select!(@complete chosen [$({ $kind $n $end $slot $value $result $body })*])
            }
        }
    }};
    (
        @choose $is_biased:tt [($timeout:expr) $default:tt]
        [$({ $kind:ident $n:tt $end:ident $slot:ident $value:tt $result:tt $body:tt })*]
    ) => {{
        let chosen = $crate::channel::internal::select_timeout(
            &[$($crate::channel::internal::Case::$kind($n, $end, &mut $slot)),*],
            $is_biased,
            $timeout,
        );
        match chosen {
            ::core::option::Option::None => $default,
            ::core::option::Option::Some(chosen) => {
                $crate::__select!(@complete chosen [$({ $kind $n $end $slot $value $result $body })*])
            }
        }
    }};

    (@complete $chosen:ident [$({ $kind:ident $n:tt $end:ident $slot:ident $value:tt ($result:pat) $body:tt })*]) => {
        match $chosen.index() {
            $(
                n if n == $n => {
                    let result = $crate::__select!(@use $kind $chosen $end $slot $value);
                    let $result = result;
                    $body
                }
            )*
            _ => ::core::unreachable!("chosen is one of the cases"),
        }
    };
    (@use recv $chosen:ident $end:ident $slot:ident ()) => {
        $chosen.recv($end, &mut $slot)
    };
    (@use send $chosen:ident $end:ident $slot:ident ($value:expr)) => {
        $chosen.send($end, $value)
    };
}
