//! A large JSON document is parsed into a tree of values, and the tree dropped.

use std::io::Write;
use std::time::Instant;

use peer_common::Job;
use serde_json::Value;

use crate::blocks::{Xorshift, on_threads};

/// Records of the usual document, which has about 100 MB.
const RECORDS: u64 = 400_000;

/// No record is longer.
const RECORD_LENGTH: usize = 300;

/// Each thread parses the same document of `n` records.
pub fn json(job: &Job) {
    let n = job.n(RECORDS);
    let document = document(n);
    let start = Instant::now();
    on_threads(job.procs, |_| {
        let value: Value = serde_json::from_slice(&document).expect("the document is JSON");
        let records = value.as_array().expect("it is an array");
        assert_eq!(records.len() as u64, n, "number of records");
        assert_eq!(records[records.len() - 1]["id"], n - 1, "last record");
    });
    job.ms_and_peak("json", start.elapsed(), n, RECORDS);
}

/// An array of `n` records as a service might send them: objects in objects, short arrays, numbers, strings with and
/// without escapes.
fn document(n: u64) -> Vec<u8> {
    let mut random = Xorshift(1);
    // In one piece, so that what it takes is the same with every allocator.
    let mut text = Vec::with_capacity(n as usize * RECORD_LENGTH);
    for id in 0..n {
        let separator = if id == 0 { '[' } else { ',' };
        let [name, city, score, latitude, longitude] = std::array::from_fn(|_| random.draw());
        writeln!(
            text,
            r#"{separator}{{"id":{id},"name":"user {name:x}","email":"{:x}@mail{}.example","active":{},"score":{}.{:03},"#,
            name >> 32,
            name % 50,
            score % 3 > 0,
            score % 1_000,
            score % 997,
        )
        .expect("there is room");
        writeln!(
            text,
            r#""address":{{"city":"{:x}","zip":"{:05}","geo":[{}.{:04},-{}.{:04}]}},"tags":["t{}","t{}"],"note":"says \"{:x}\"\n","parent":null}}"#,
            city >> 20,
            city % 100_000,
            latitude % 90,
            latitude % 9_973,
            longitude % 180,
            longitude % 9_967,
            score % 100,
            city % 100,
            longitude,
        )
        .expect("there is room");
    }
    text.push(b']');
    text
}
