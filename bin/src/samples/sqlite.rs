//! `ffi-sqlite`: green threads insert into an SQLite database and query it, many at the same time.
//!
//! SQLite is a C library that blocks: on the disk, and on its own locks. Each of its functions is a foreign call, so nobody else is held up by that. It
//! calls back, too: for a function of ours in its SQL, and where another connection has the lock, and there a green thread sleeps, not C.
//!
//! A few connections serve any number of green threads, from a [`pool`]. [`connection`] and [`statement`] make SQLite safe to use, as much of it as is needed
//! here.

mod connection;
mod pool;
mod statement;

use std::fmt;
use std::io::{self, Write};
use std::iter::Sum;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sward::thread;
use tempfile::TempDir;

use super::whole;
use crate::report::{check, note};
use connection::{Connection, Error};
use pool::Pool;

/// Insert into an SQLite database and query it, on green threads and through C
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run ffi-sqlite --threads 100 --rows 100")]
pub struct Args {
    /// How many green threads insert and query
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole(1..=10_000))]
    threads: u64,
    /// How many rows each of them inserts
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole(1..=100_000))]
    rows: u64,
    /// The database, in which the table `sward_sample` is made anew [default: a temporary one]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
}

/// How many connections there are.
const CONNECTIONS: usize = 4;

/// How long somebody sleeps who does not get the database's lock, and how often.
const NAP: Duration = Duration::from_millis(1);
const NAPS: u32 = 60_000;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let start = Instant::now();
    let naps = Arc::new(AtomicU64::new(0));
    let Outcome { inserted, queried, found } = match insert_and_query(&args, &naps) {
        Ok(outcome) => outcome,
        Err(error) => {
            let db = args.db.as_deref().unwrap_or(Path::new("a temporary database"));
            note(format_args!("sward run ffi-sqlite: {}: {error}", db.display()));
            return Ok(ExitCode::FAILURE);
        }
    };
    // Relaxed: those who counted have ended.
    note(format_args!("took {:.2?}, {} naps for the lock", start.elapsed(), naps.load(Ordering::Relaxed)));
    let mut out = io::stdout();
    writeln!(out, "inserted: {inserted}\nqueried:  {queried}\nfound:    {found}")?;
    let verdict = check("ffi-sqlite", "what was queried, and found in the end", [queried, found], [inserted; 2]);
    if verdict == ExitCode::SUCCESS {
        writeln!(out, "ok")?;
    }
    Ok(verdict)
}

/// What all threads have inserted, what they have got when each asked for its own, and what was there in the end.
struct Outcome {
    inserted: Totals,
    queried: Totals,
    found: Totals,
}

fn insert_and_query(args: &Args, naps: &Arc<AtomicU64>) -> Result<Outcome, Error> {
    let directory;
    let db = match &args.db {
        Some(db) => db,
        None => {
            directory = sward::unblock(TempDir::new)?;
            &directory.path().join("sample.db")
        }
    };
    let connections: Vec<_> = (0..CONNECTIONS).map(|_| connect(db, naps.clone())).collect::<Result<_, _>>()?;
    let pool = &Pool::new(connections);
    pool.with(|connection| {
        connection.execute(c"DROP TABLE IF EXISTS sward_sample")?;
        connection.execute(c"CREATE TABLE sward_sample (number INTEGER PRIMARY KEY)")
    })?;

    let rows = args.rows as i64;
    let worked: Result<Vec<_>, _> = thread::scope(|scope| {
        let numbers = (0..args.threads as i64).map(|thread| thread * rows + 1..=(thread + 1) * rows);
        let work = |numbers| scope.spawn(move || pool.with(|connection| work(connection, numbers)));
        let threads: Vec<_> = numbers.map(work).collect();
        threads.into_iter().map(|thread| thread.join().expect("an error of SQLite's is no panic")).collect()
    });
    let (inserted, queried): (Vec<_>, Vec<_>) = worked?.into_iter().unzip();
    let found = pool.with(|connection| {
        connection.prepare(c"SELECT count(*), sum(number), sum(digits(number)) FROM sward_sample")?.row(&[])
    })?;
    Ok(Outcome { inserted: inserted.into_iter().sum(), queried: queried.into_iter().sum(), found: found.into() })
}

/// Opens a connection that knows the function `digits`, and whose waits for the lock are naps of the green thread that waits.
fn connect(db: &Path, naps: Arc<AtomicU64>) -> Result<Connection, Error> {
    let mut connection = Connection::open(db)?;
    connection.when_busy(move |times| {
        // Relaxed: a count that orders nothing.
        naps.fetch_add(1, Ordering::Relaxed);
        thread::sleep(NAP);
        times < NAPS
    })?;
    connection.define(c"digits", sum_of_digits)?;
    // Who writes does not keep others from reading.
    connection.execute(c"PRAGMA journal_mode = WAL")?;
    connection.execute(c"PRAGMA synchronous = NORMAL")?;
    Ok(connection)
}

/// What one green thread does: inserts its numbers, then asks for them. Gives what it has inserted, and what it has got.
fn work(connection: &Connection, numbers: RangeInclusive<i64>) -> Result<(Totals, Totals), Error> {
    let ends = [*numbers.start(), *numbers.end()];
    connection.transaction(|| {
        let mut insert = connection.prepare(c"INSERT INTO sward_sample VALUES (?)")?;
        numbers.clone().try_for_each(|number| insert.run(&[number]))
    })?;
    let inserted = numbers.map(|number| Totals { rows: 1, sum: number, digits: sum_of_digits(number) }).sum();
    let own = c"SELECT count(*), sum(number), sum(digits(number)) FROM sward_sample WHERE number BETWEEN ? AND ?";
    let queried = connection.prepare(own)?.row(&ends)?;
    Ok((inserted, queried.into()))
}

fn sum_of_digits(number: i64) -> i64 {
    number.to_string().bytes().map(|digit| i64::from(digit - b'0')).sum()
}

/// How many rows there are, and what adds up to what in them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Totals {
    rows: i64,
    sum: i64,
    digits: i64,
}

impl From<[i64; 3]> for Totals {
    fn from([rows, sum, digits]: [i64; 3]) -> Totals {
        Totals { rows, sum, digits }
    }
}

impl Sum for Totals {
    fn sum<I: Iterator<Item = Totals>>(all: I) -> Totals {
        all.fold([0; 3].into(), |a, b| [a.rows + b.rows, a.sum + b.sum, a.digits + b.digits].into())
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, numbers that add up to {}, digits to {}", self.rows, self.sum, self.digits)
    }
}
