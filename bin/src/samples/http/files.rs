//! The directory that is served, and the response to a request for something in it.

use std::ffi::OsStr;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions, OpenOptionsExt};
use httpdate::HttpDate;
use percent_encoding::percent_decode_str;
use sward::fs::File;
use sward::unblock;

use super::listing;
use super::range::{Wanted, wanted};
use super::request::Request;
use super::response::{Body, Response, Status};
use crate::report::note;

/// What a request for a directory gets, if it is there.
const INDEX: &str = "index.html";

/// A directory, beyond which nothing can be reached.
pub struct Site {
    root: Dir,
}

impl Site {
    /// Opens the directory at `path`.
    ///
    /// # Errors
    /// There is none, or it can't be read.
    pub fn open(path: &Path) -> io::Result<Site> {
        let root = Dir::open_ambient_dir(path, ambient_authority())?;
        // A path may be opened without being readable: better said now than to every client.
        root.entries()?;
        Ok(Site { root })
    }

    /// The response to a request.
    pub fn answer(&self, request: &Request) -> Response {
        let encoded = request.path.split('?').next().unwrap_or_default().trim_start_matches('/');
        let decoded: Vec<u8> = percent_decode_str(encoded).collect();
        let answer = self.find(request, encoded, Path::new(OsStr::from_bytes(&decoded)));
        answer.unwrap_or_else(|error| Response::of_status(status_of(&error, &request.path)))
    }

    /// `path` is the request's, without the slash it begins with; `encoded` is the same as the client wrote it.
    fn find(&self, request: &Request, encoded: &str, path: &Path) -> io::Result<Response> {
        let (file, metadata) = self.open_file(path)?;
        if metadata.is_file() {
            return respond_with_file(request, path, file, &metadata);
        }
        if !metadata.is_dir() {
            return Ok(Response::of_status(Status::NOT_FOUND));
        }
        if !encoded.is_empty() && !encoded.ends_with('/') {
            // Relative links in it would otherwise lead elsewhere.
            let moved = Response::of_status(Status::MOVED_PERMANENTLY);
            return Ok(moved.with("Location", format!("/{encoded}/")));
        }
        let index = path.join(INDEX);
        match self.open_file(&index) {
            Ok((file, metadata)) if metadata.is_file() => respond_with_file(request, &index, file, &metadata),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => {
                let entries = unblock(|| listing::entries(&self.root, path))?;
                let page = Body::Text(listing::page(path, &entries).into_bytes());
                Ok(Response::new(Status::OK, page).with("Content-Type", "text/html; charset=utf-8"))
            }
        }
    }

    /// Opens what is at `path`, whatever it is.
    fn open_file(&self, path: &Path) -> io::Result<(File, Metadata)> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let mut options = OpenOptions::new();
        // A pipe does not keep its reader waiting then. For files the flag means nothing.
        options.read(true).custom_flags(libc::O_NONBLOCK);
        unblock(|| {
            let file = self.root.open_with(path, &options)?;
            let metadata = file.metadata()?;
            Ok((File::from(file.into_std()), metadata))
        })
    }
}

/// How a request is answered for something that can't be opened.
fn status_of(error: &io::Error, path: &str) -> Status {
    match error.kind() {
        // It may not be read, or it is not in the directory.
        ErrorKind::PermissionDenied => Status::FORBIDDEN,
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => Status::NOT_FOUND,
        // A name with a zero byte.
        ErrorKind::InvalidInput => Status::BAD_REQUEST,
        _ if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => Status::NOT_FOUND,
        _ => {
            note(format_args!("sward run http: {path}: {error}"));
            Status::INTERNAL_ERROR
        }
    }
}

fn respond_with_file(request: &Request, path: &Path, mut file: File, metadata: &Metadata) -> io::Result<Response> {
    let modified = last_modified(metadata);
    if is_known(request, modified) {
        return Ok(with_date(Response::new(Status::NOT_MODIFIED, Body::None), modified));
    }
    let length = metadata.len();
    let response = match wanted_part(request, modified, length) {
        Wanted::All => Response::new(Status::OK, Body::File { file, length }),
        Wanted::Part(part) => {
            file.seek(SeekFrom::Start(part.start))?;
            let body = Body::File { file, length: part.end - part.start };
            let place = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            Response::new(Status::PARTIAL_CONTENT, body).with("Content-Range", place)
        }
        Wanted::Beyond => {
            let refused = Response::of_status(Status::RANGE_NOT_SATISFIABLE);
            return Ok(refused.with("Content-Range", format!("bytes */{length}")));
        }
    };
    let response = response.with("Content-Type", content_type(path)).with("Accept-Ranges", "bytes");
    Ok(with_date(response, modified))
}

/// When a file was last changed, to the second, if that can be told and is not in the future.
fn last_modified(metadata: &Metadata) -> Option<HttpDate> {
    let modified = metadata.modified().ok()?.into_std();
    (UNIX_EPOCH..=SystemTime::now()).contains(&modified).then(|| modified.into())
}

fn with_date(response: Response, modified: Option<HttpDate>) -> Response {
    match modified {
        Some(date) => response.with("Last-Modified", date.to_string()),
        None => response,
    }
}

/// Whether the client has a file already as it was last changed.
fn is_known(request: &Request, modified: Option<HttpDate>) -> bool {
    let since = request.if_modified_since.as_ref().and_then(|date| date.parse::<HttpDate>().ok());
    matches!((modified, since), (Some(modified), Some(since)) if modified <= since)
}

/// Which part of a file is wanted, if it is still the one that the client has another part of.
fn wanted_part(request: &Request, modified: Option<HttpDate>, length: u64) -> Wanted {
    let Some(range) = request.range.as_ref().filter(|_| !request.head_only) else { return Wanted::All };
    let is_same = match &request.if_range {
        Some(date) => modified.is_some_and(|modified| *date == modified.to_string()),
        None => true,
    };
    if is_same { wanted(range, length) } else { Wanted::All }
}

/// What is in a file, by its name.
fn content_type(path: &Path) -> String {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    if mime.type_() == "text" { format!("{mime}; charset=utf-8") } else { mime.to_string() }
}
