//! A compiled statement of SQL, whose parameters and columns are integers.

use std::array;
use std::ffi::{CStr, c_int};
use std::ptr;

use libsqlite3_sys as sys;
use sward::ffi;

use super::connection::{Connection, Error};

/// A statement, which may be run many times.
pub struct Statement<'c> {
    connection: &'c Connection,
    statement: *mut sys::sqlite3_stmt,
}

impl<'c> Statement<'c> {
    /// Compiles the statement that `sql` is.
    pub fn new(connection: &'c Connection, sql: &CStr) -> Result<Statement<'c>, Error> {
        let (db, none) = (connection.as_ptr(), ptr::null_mut());
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open, and the string ends in NUL; there is a place for the result.
        let code = ffi::call(|| unsafe { sys::sqlite3_prepare_v2(db, sql.as_ptr(), -1, &mut statement, none) });
        connection.check(code)?;
        Ok(Statement { connection, statement })
    }

    /// Runs it with these parameters. Rows are not wanted.
    pub fn run(&mut self, parameters: &[i64]) -> Result<(), Error> {
        self.row(parameters).map(|[]| ())
    }

    /// Runs it with these parameters, up to its first row, and gives that row's first columns.
    pub fn row<const N: usize>(&mut self, parameters: &[i64]) -> Result<[i64; N], Error> {
        let row = self.bind(parameters).and_then(|()| self.step()).map(|()| array::from_fn(|n| self.column(n)));
        // SAFETY: the statement is there. What it returns is the error of the step, once more.
        ffi::call(|| unsafe { sys::sqlite3_reset(self.statement) });
        row
    }

    fn bind(&self, parameters: &[i64]) -> Result<(), Error> {
        (1..).zip(parameters).try_for_each(|(number, &value)| {
            // SAFETY: the statement is there, and not being run. SQLite knows how many parameters it has.
            self.connection.check(ffi::quick(|| unsafe { sys::sqlite3_bind_int64(self.statement, number, value) }))
        })
    }

    fn step(&self) -> Result<(), Error> {
        // SAFETY: the statement is there.
        match ffi::call(|| unsafe { sys::sqlite3_step(self.statement) }) {
            sys::SQLITE_ROW | sys::SQLITE_DONE => Ok(()),
            code => self.connection.check(code),
        }
    }

    fn column(&self, number: usize) -> i64 {
        // SAFETY: the statement has a row, and SQLite knows how many columns that has; others are 0.
        ffi::quick(|| unsafe { sys::sqlite3_column_int64(self.statement, number as c_int) })
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: it is not used again.
        ffi::call(|| unsafe { sys::sqlite3_finalize(self.statement) });
    }
}
