//! Go's test/chan/powser1.go, after McIlroy's "Squinting at power series": a series is a thread that sends its coefficients, one for each that
//! is asked for. Two requests are served in whichever order they come, which is what `select!` is for.

use std::ops::{Add, Mul, Neg, Sub};

use sward::channel::{Receiver, Sender, bounded, select};
use sward::thread;
use sward_tests::run_on;

/// A fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fraction(i64, i64);

fn fraction(n: i64, d: i64) -> Fraction {
    let (mut a, mut b) = (n.abs(), d.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let a = a.max(1) * d.signum();
    Fraction(n / a, d / a)
}

fn whole(n: i64) -> Fraction {
    Fraction(n, 1)
}

impl Add for Fraction {
    type Output = Fraction;
    fn add(self, other: Fraction) -> Fraction {
        fraction(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }
}

impl Mul for Fraction {
    type Output = Fraction;
    fn mul(self, other: Fraction) -> Fraction {
        fraction(self.0 * other.0, self.1 * other.1)
    }
}

impl Neg for Fraction {
    type Output = Fraction;
    fn neg(self) -> Fraction {
        Fraction(-self.0, self.1)
    }
}

impl Sub for Fraction {
    type Output = Fraction;
    fn sub(self, other: Fraction) -> Fraction {
        self + -other
    }
}

/// The demand side of a series. Dropped, it ends the thread behind.
struct Series {
    ask: Sender<()>,
    answers: Receiver<Fraction>,
}

/// The supply side.
struct Supply {
    asked: Receiver<()>,
    answer: Sender<Fraction>,
}

impl Supply {
    /// Sends a coefficient when it is asked for one. `None`: nobody will.
    fn put(&self, make: impl FnOnce() -> Option<Fraction>) -> Option<()> {
        self.asked.recv().ok()?;
        self.answer.send(make()?).ok()
    }

    /// Passes a series on.
    fn copy(&self, from: &Series) -> Option<()> {
        loop {
            self.put(|| from.get())?;
        }
    }
}

impl Series {
    fn new(body: impl FnOnce(Supply) -> Option<()> + Send + 'static) -> Series {
        let ((ask, asked), (answer, answers)) = (bounded(0), bounded(0));
        thread::spawn(move || body(Supply { asked, answer }));
        Series { ask, answers }
    }

    fn get(&self) -> Option<Fraction> {
        self.ask.send(()).ok()?;
        self.answers.recv().ok()
    }

    fn first(&self, n: usize) -> Vec<Fraction> {
        (0..n).map(|_| self.get().expect("a series has no end")).collect()
    }
}

/// The next coefficients of both, which are asked for and come in any order.
fn get_both(a: &Series, b: &Series) -> Option<(Fraction, Fraction)> {
    let (mut asked, mut got) = ([false; 2], [None; 2]);
    while got.contains(&None) {
        let never = sward::channel::never();
        let answers = |i: usize, series: &Series| {
            if asked[i] && got[i].is_none() { series.answers.clone() } else { never.clone() }
        };
        let full = bounded(0);
        let ask = |i: usize, series: &Series| if asked[i] { full.0.clone() } else { series.ask.clone() };
        select! {
            send(ask(0, a), ()) -> sent => { sent.ok()?; asked[0] = true }
            send(ask(1, b), ()) -> sent => { sent.ok()?; asked[1] = true }
            recv(answers(0, a)) -> answer => got[0] = Some(answer.ok()?),
            recv(answers(1, b)) -> answer => got[1] = Some(answer.ok()?),
        }
    }
    Some((got[0]?, got[1]?))
}

/// Two of the same. What one has been given, the other gets too: it is passed on in a queue of threads.
fn split(series: Series) -> (Series, Series) {
    let ((to_a, a), (to_b, b)) = (sward::channel::unbounded(), sward::channel::unbounded());
    let (want, wanted) = bounded(0);
    let half = |have: Receiver<Fraction>, want: Sender<()>| {
        Series::new(move |supply| {
            loop {
                supply.put(|| {
                    loop {
                        if let Ok(coefficient) = have.try_recv() {
                            return Some(coefficient);
                        }
                        select! {
                            recv(have) -> coefficient => return coefficient.ok(),
                            send(want, ()) -> sent => sent.ok()?,
                        }
                    }
                })?;
            }
        })
    };
    thread::spawn(move || {
        for () in wanted {
            let Some(coefficient) = series.get() else { return };
            // A half that is gone needs nothing.
            let _ = to_a.send(coefficient);
            let _ = to_b.send(coefficient);
        }
    });
    (half(a, want.clone()), half(b, want))
}

fn repeat(n: i64) -> Series {
    Series::new(move |supply| {
        loop {
            supply.put(|| Some(whole(n)))?;
        }
    })
}

fn sum(a: Series, b: Series) -> Series {
    Series::new(move |supply| {
        loop {
            supply.put(|| get_both(&a, &b).map(|(a, b)| a + b))?;
        }
    })
}

fn scale(factor: Fraction, series: Series) -> Series {
    Series::new(move |supply| {
        loop {
            supply.put(|| series.get().map(|n| factor * n))?;
        }
    })
}

fn difference(a: Series, b: Series) -> Series {
    sum(a, scale(whole(-1), b))
}

/// (a + xA)(b + xB) = ab + x(aB + bA + xAB)
fn product(a: Series, b: Series) -> Series {
    Series::new(move |supply| {
        let mut heads = None;
        supply.put(|| {
            heads = get_both(&a, &b);
            heads.map(|(a, b)| a * b)
        })?;
        let (a_head, b_head) = heads?;
        let ((a, a_tail), (b, b_tail)) = (split(a), split(b));
        let cross = sum(scale(a_head, b), scale(b_head, a));
        supply.put(|| cross.get())?;
        supply.copy(&sum(cross, product(a_tail, b_tail)))
    })
}

fn derivative(series: Series) -> Series {
    Series::new(move |supply| {
        series.get()?;
        for n in 1.. {
            supply.put(|| series.get().map(|c| whole(n) * c))?;
        }
        None
    })
}

fn integral(constant: Fraction, series: Series) -> Series {
    Series::new(move |supply| {
        supply.put(|| Some(constant))?;
        for n in 1.. {
            supply.put(|| series.get().map(|c| fraction(1, n) * c))?;
        }
        None
    })
}

/// The exponential of a series without constant: the solution of E' = E S'.
fn exponential(series: Series) -> Series {
    Series::new(move |supply| {
        let (ask_itself, itself) = {
            let ((ask, asked), (answer, answers)) = (bounded(0), bounded(0));
            (Supply { asked, answer }, Series { ask, answers })
        };
        let result = integral(whole(1), product(itself, derivative(series)));
        let (result, fed_back) = split(result);
        thread::spawn(move || ask_itself.copy(&fed_back));
        supply.copy(&result)
    })
}

#[test]
fn power_series() {
    for procs in [1, 2] {
        run_on(procs, || {
            let numbers = |numbers: &[i64]| numbers.iter().map(|&n| whole(n)).collect::<Vec<_>>();
            assert_eq!(sum(repeat(1), repeat(2)).first(10), numbers(&[3; 10]));
            assert_eq!(difference(repeat(1), repeat(1)).first(5), numbers(&[0; 5]));
            assert_eq!(derivative(repeat(1)).first(6), numbers(&[1, 2, 3, 4, 5, 6]));
            let (a, b) = split(derivative(repeat(1)));
            assert_eq!((a.first(4), b.first(6)), (numbers(&[1, 2, 3, 4]), numbers(&[1, 2, 3, 4, 5, 6])));
            assert_eq!(integral(whole(0), repeat(1)).first(4), [whole(0), whole(1), fraction(1, 2), fraction(1, 3)]);
            assert_eq!(product(repeat(1), repeat(1)).first(8), numbers(&[1, 2, 3, 4, 5, 6, 7, 8]));
            assert_eq!(product(repeat(1), derivative(repeat(1))).first(6), numbers(&[1, 3, 6, 10, 15, 21]));
            // e to the power of x + x^2 + x^3 + …, as in Go's test.
            let exponents = Series::new(|supply| {
                supply.put(|| Some(whole(0)))?;
                supply.copy(&repeat(1))
            });
            let expected = [(1, 1), (1, 1), (3, 2), (13, 6), (73, 24), (167, 40), (4051, 720)];
            assert_eq!(exponential(exponents).first(7), expected.map(|(n, d)| fraction(n, d)));
        });
    }
}
