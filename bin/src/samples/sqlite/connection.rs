//! A connection to an SQLite database, and what SQLite calls back with.

use std::ffi::{CStr, CString, c_int, c_void};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{self, Path};
use std::ptr::{self, NonNull};

use libsqlite3_sys as sys;
use sward::ffi::{self, Handle};

use super::statement::Statement;

/// A connection, to be used by one thread at a time.
pub struct Connection {
    db: NonNull<sys::sqlite3>,
    // What SQLite has handles of, until it is closed.
    functions: Vec<Handle<Function>>,
    busy: Option<Handle<Busy>>,
}

/// A function from SQL's integers to integers.
type Function = Box<dyn Fn(i64) -> i64 + Send + Sync>;

/// Whether to try once more to get the lock, after so many tries.
type Busy = Box<dyn Fn(u32) -> bool + Send + Sync>;

/// What SQLite, or the system, says is wrong.
#[derive(Debug)]
pub struct Error(String);

// SAFETY: SQLite ties connections to no OS thread, and this one is opened for whoever sees to it that no two use it at the same time: it isn't Sync.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens a database, which is made if there is none.
    pub fn open(path: &Path) -> Result<Connection, Error> {
        // An absolute path is nothing but a path: SQLite has a meaning of its own for `:memory:` and `file:`.
        let path = CString::new(path::absolute(path)?.as_os_str().as_bytes()).map_err(io::Error::from)?;
        let flags = sys::SQLITE_OPEN_READWRITE | sys::SQLITE_OPEN_CREATE | sys::SQLITE_OPEN_NOMUTEX;
        let mut db = ptr::null_mut();
        // SAFETY: a string that ends in NUL, and a place for the result.
        let code = ffi::call(|| unsafe { sys::sqlite3_open_v2(path.as_ptr(), &mut db, flags, ptr::null()) });
        // One that could not be opened is there nevertheless, to be asked why, and to be closed.
        let db = NonNull::new(db).ok_or_else(|| Error("out of memory".to_owned()))?;
        let connection = Connection { db, functions: Vec::new(), busy: None };
        connection.check(code)?;
        Ok(connection)
    }

    /// Has `again` called when another connection has the lock, on the green thread that wants it. Given how often it was called for this
    /// lock before, it says whether to try once more. It must not panic.
    pub fn when_busy(&mut self, again: impl Fn(u32) -> bool + Send + Sync + 'static) -> Result<(), Error> {
        let handle = Handle::new(Box::new(again) as Busy);
        // SAFETY: the handle is kept until the connection is closed.
        let code = ffi::quick(|| unsafe { sys::sqlite3_busy_handler(self.as_ptr(), Some(ask_again), handle.as_ptr()) });
        self.busy = Some(handle);
        self.check(code)
    }

    /// Defines a function of SQL with one argument, which gives the same for the same always. It is called on the green thread that runs the statement, and
    /// must not panic.
    pub fn define(&mut self, name: &CStr, f: impl Fn(i64) -> i64 + Send + Sync + 'static) -> Result<(), Error> {
        let handle = Handle::new(Box::new(f) as Function);
        let (db, name, data) = (self.as_ptr(), name.as_ptr(), handle.as_ptr());
        let flags = sys::SQLITE_UTF8 | sys::SQLITE_DETERMINISTIC;
        // SAFETY: the handle is kept until the connection is closed; there is one argument, as `call_function` expects.
        let code = ffi::call(|| unsafe {
            sys::sqlite3_create_function_v2(db, name, 1, flags, data, Some(call_function), None, None, None)
        });
        self.functions.push(handle);
        self.check(code)
    }

    /// Runs SQL that has no parameters and of which no rows are wanted.
    pub fn execute(&self, sql: &CStr) -> Result<(), Error> {
        let (db, none) = (self.as_ptr(), ptr::null_mut());
        // SAFETY: the connection is open, and nobody is called with rows.
        self.check(ffi::call(|| unsafe { sys::sqlite3_exec(db, sql.as_ptr(), None, none, none.cast()) }))
    }

    /// Runs `f` in a transaction that has the lock for writing from its beginning. It is rolled back if `f` fails.
    pub fn transaction<T>(&self, f: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.execute(c"BEGIN IMMEDIATE")?;
        let done = f().and_then(|result| self.execute(c"COMMIT").map(|()| result));
        if done.is_err() {
            // What is wrong is known already.
            let _ = self.execute(c"ROLLBACK");
        }
        done
    }

    /// Compiles a statement.
    pub fn prepare(&self, sql: &CStr) -> Result<Statement<'_>, Error> {
        Statement::new(self, sql)
    }

    /// What SQLite's functions take.
    pub fn as_ptr(&self) -> *mut sys::sqlite3 {
        self.db.as_ptr()
    }

    /// The error of the function that gave `code`, which was the last one called for this connection, if it was one.
    pub fn check(&self, code: c_int) -> Result<(), Error> {
        if code == sys::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: the message is there until the next call for this connection.
        let message = ffi::quick(|| unsafe { CStr::from_ptr(sys::sqlite3_errmsg(self.as_ptr())) });
        Err(Error(message.to_string_lossy().into_owned()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: each statement had borrowed the connection, so there is none any more.
        ffi::call(|| unsafe { sys::sqlite3_close(self.as_ptr()) });
    }
}

/// The busy handler of all connections.
unsafe extern "C" fn ask_again(handle: *mut c_void, times: c_int) -> c_int {
    ffi::callback(|| Handle::with(handle, |again: &Busy| again(times as u32))).into()
}

/// Every function of SQL that is ours.
unsafe extern "C" fn call_function(
    context: *mut sys::sqlite3_context,
    _: c_int,
    arguments: *mut *mut sys::sqlite3_value,
) {
    // SAFETY: SQLite calls it with the context and the argument that are there while it runs.
    let (handle, argument) = unsafe { (sys::sqlite3_user_data(context), sys::sqlite3_value_int64(*arguments)) };
    let result = ffi::callback(|| Handle::with(handle, |function: &Function| function(argument)));
    // SAFETY: as above.
    unsafe { sys::sqlite3_result_int64(context, result) };
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error(error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use sward::channel::bounded;
    use tempfile::TempDir;

    use super::*;

    /// Two connections to one database.
    fn two() -> (TempDir, [Connection; 2]) {
        let directory = TempDir::new().unwrap();
        let connect = |_| Connection::open(&directory.path().join("test.db")).unwrap();
        let connections = [(), ()].map(connect);
        (directory, connections)
    }

    #[sward::test]
    fn who_waits_for_the_lock_is_a_green_thread() {
        let (_directory, [first, mut second]) = two();
        let (unlock, unlocking) = bounded(0);
        let (unlocked, ready) = bounded(0);
        first.execute(c"BEGIN IMMEDIATE").unwrap();
        sward::spawn(move || {
            unlocking.recv().unwrap();
            first.execute(c"COMMIT").unwrap();
            unlocked.send(()).unwrap();
        });
        second
            .when_busy(move |times| {
                assert_eq!(times, 0);
                unlock.send(()).unwrap();
                ready.recv().unwrap();
                true
            })
            .unwrap();
        second.execute(c"BEGIN IMMEDIATE").unwrap();
    }

    #[sward::test]
    fn who_does_not_want_to_wait_is_told_so() {
        let (_directory, [first, mut second]) = two();
        second.when_busy(|times| times < 3).unwrap();
        let second = &second;
        first
            .transaction(|| {
                let error = second.execute(c"BEGIN IMMEDIATE").unwrap_err();
                assert_eq!(error.to_string(), "database is locked");
                Ok(())
            })
            .unwrap();
        second.transaction(|| Ok(())).unwrap();
    }

    #[sward::test]
    fn a_transaction_that_fails_leaves_nothing_behind() {
        let (_directory, [first, second]) = two();
        first.execute(c"CREATE TABLE numbers (number INTEGER)").unwrap();
        let failed = first.transaction(|| {
            first.prepare(c"INSERT INTO numbers VALUES (?)")?.run(&[42])?;
            first.execute(c"INSERT INTO no_numbers VALUES (1)")
        });
        assert_eq!(failed.unwrap_err().to_string(), "no such table: no_numbers");
        assert_eq!(second.prepare(c"SELECT count(*) FROM numbers").unwrap().row(&[]).unwrap(), [0]);
    }

    #[sward::test]
    fn functions_of_ours_are_called() {
        let (_directory, [mut connection, _]) = two();
        connection.define(c"twice", |n| 2 * n).unwrap();
        let mut statement = connection.prepare(c"SELECT twice(?), twice(?)").unwrap();
        assert_eq!(statement.row(&[1, -4]).unwrap(), [2, -8]);
        assert_eq!(statement.row(&[5, 6]).unwrap(), [10, 12]);
        assert_eq!(statement.run(&[1, 2, 3]).unwrap_err().to_string(), "column index out of range");
    }
}
