//! `sward::thread` promises what `std::thread` does: these tests hold it to that, one promise each.

mod blocking;
mod builder;
mod crowd;
mod end;
mod join;
mod os_lock;
mod packet;
mod park;
mod scope;
mod start;
mod time;
