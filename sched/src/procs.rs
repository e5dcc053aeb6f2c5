//! How many Ps a process starts with.
//!
//! The answer is the smaller of two numbers: the CPUs this process may run on (its affinity mask, which the kernel
//! already cuts down to CPUs that are online and in the cpuset), and the CPU time its control group may use, rounded
//! up to whole CPUs. A container that may use 1.5 CPUs of a 64-core machine so starts with 2 Ps, not with 64 that
//! the kernel would throttle in the middle of holding a lock. The rules are Go's since 1.25:
//!
//! * A quota never brings the number below 2 (only having fewer CPUs does): with a single P, one thread being
//!   throttled stops everything, the timers and the collector included.
//! * Limits nest. The group of the process and all groups above it that its mount shows are read; the smallest counts.
//! * The `cpu` controller is either in a version 1 hierarchy or in the version 2 one. The line of `/proc/self/cgroup`
//!   that names it in version 1 therefore wins over the version 2 line, which hybrid systems have as well.
//! * What is missing, unreadable or malformed is no limit. Somebody else's broken mount must not stop a program from
//!   starting, and there is always the affinity mask to fall back on.
//!
//! Reading is kept apart from understanding: everything but [`default_procs`] and its two readers is a function of
//! the text of the files, so that the tests can have any machine they like.

use std::borrow::Cow;
use std::fs;
use std::path::{Component, Path, PathBuf};

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// The least number of Ps that a quota can ask for.
const LEAST_BY_QUOTA: usize = 2;

/// The number of Ps a process should start with: the CPUs it may run on, or fewer if its control group has a quota of
/// CPU time. At least 1.
///
/// Reads some small files under `/proc` and `/sys` each time it is called.
///
/// ```
/// # use sward_sched::default_procs;
/// assert!(default_procs() >= 1);
/// ```
pub fn default_procs() -> usize {
    let quota = read("/proc/self/cgroup".as_ref())
        .zip(read("/proc/self/mountinfo".as_ref()))
        .and_then(|(membership, mounts)| Group::locate(&membership, &mounts))
        .and_then(|group| group.smallest_quota(read));
    combine(allowed_cpus(), quota)
}

/// The CPUs that the calling thread may run on.
fn allowed_cpus() -> usize {
    match sched_getaffinity(Pid::from_raw(0)) {
        Ok(set) => (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).count(),
        // The kernel has room for more CPUs than a `CpuSet` has bits. The standard library then counts those online.
        Err(_) => std::thread::available_parallelism().map_or(1, |n| n.get().min(CpuSet::count())),
    }
}

/// The content of a file of the kernel's. Bytes that aren't UTF-8 can only be names of other people's mounts.
fn read(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn combine(cpus: usize, quota: Option<usize>) -> usize {
    match quota {
        Some(quota) => cpus.min(quota.max(LEAST_BY_QUOTA)),
        None => cpus,
    }
}

/// Which of the two interfaces a control group's files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// Where in the file system the control group of this process is.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    version: Version,
    /// The mount point of the hierarchy.
    mount: PathBuf,
    /// The directories that lead from the mount point to the group, which may be none.
    below: PathBuf,
}

impl Group {
    /// Finds the group that limits this process's CPU time, from the text of `/proc/self/cgroup` (which group it is)
    /// and of `/proc/self/mountinfo` (where to see it).
    fn locate(membership: &str, mounts: &str) -> Option<Group> {
        let (version, group) = own_group(membership)?;
        let mounts = mounts.lines().filter_map(|line| Mount::parse(line, version));
        mounts
            .filter_map(|mount| {
                let below = group.strip_prefix(&*mount.root).ok()?.to_path_buf();
                // A group outside our namespace is shown as a path with `..` in it, which no mount of ours contains.
                let visible = below.components().all(|c| matches!(c, Component::Normal(_)));
                visible.then(|| Group { version, mount: PathBuf::from(mount.point.into_owned()), below })
            })
            // Several mounts can show the group. The one that starts highest shows the most limits above it.
            .max_by_key(|group| group.below.components().count())
    }

    /// The smallest quota on the way from the group up to the mount point, in whole CPUs, rounded up.
    /// (Rounding first is as good: it keeps the order.)
    fn smallest_quota(&self, read: impl Fn(&Path) -> Option<String>) -> Option<usize> {
        let levels = self.below.ancestors();
        levels
            .filter_map(|level| {
                let dir = self.mount.join(level);
                match self.version {
                    Version::V1 => {
                        parse_v1(&read(&dir.join("cpu.cfs_quota_us"))?, &read(&dir.join("cpu.cfs_period_us"))?)
                    }
                    Version::V2 => parse_v2(&read(&dir.join("cpu.max"))?),
                }
            })
            .min()
    }
}

/// The group whose quota applies, by the text of `/proc/self/cgroup`: lines of `hierarchy:controllers:path`, where
/// version 2 has hierarchy 0 and no controllers.
fn own_group(membership: &str) -> Option<(Version, &Path)> {
    let mut found = None;
    for line in membership.lines() {
        // A path may contain colons.
        let mut fields = line.splitn(3, ':');
        let (Some(hierarchy), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        if has_word(controllers, "cpu") {
            return Some((Version::V1, Path::new(path)));
        }
        if hierarchy == "0" && controllers.is_empty() {
            found = Some((Version::V2, Path::new(path)));
        }
    }
    found
}

/// One mount of a control group hierarchy.
struct Mount<'a> {
    /// The group that the mount point shows.
    root: Cow<'a, str>,
    point: Cow<'a, str>,
}

impl<'a> Mount<'a> {
    /// Reads a line of `/proc/self/mountinfo`, if it is about the hierarchy wanted:
    /// `32 31 0:29 ROOT POINT rw,relatime shared:1 - cgroup cgroup rw,cpu`, with any number of fields before the dash.
    fn parse(line: &'a str, version: Version) -> Option<Mount<'a>> {
        let (place, file_system) = line.split_once(" - ")?;
        let mut file_system = file_system.split(' ');
        let (kind, options) = (file_system.next()?, file_system.nth(1)?);
        let wanted = match version {
            Version::V1 => kind == "cgroup" && has_word(options, "cpu"),
            Version::V2 => kind == "cgroup2",
        };
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        wanted.then(|| Mount { root: unescape(root), point: unescape(point) })
    }
}

fn has_word(list: &str, word: &str) -> bool {
    list.split(',').any(|entry| entry == word)
}

/// Undoes the kernel's writing of blanks, newlines and backslashes as three octal digits (`\040`).
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => plain.push(char::from(code)),
            None => plain.push('\\'),
        }
        rest = if code.is_some() { &after[3..] } else { after };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Version 2's `cpu.max`: `QUOTA PERIOD` in microseconds, the quota `max` where there is none.
fn parse_v2(text: &str) -> Option<usize> {
    let (quota, period) = text.trim_end().split_once(' ')?;
    whole_cpus(quota, period)
}

/// Version 1's `cpu.cfs_quota_us`, -1 where there is none, and `cpu.cfs_period_us`.
fn parse_v1(quota: &str, period: &str) -> Option<usize> {
    whole_cpus(quota.trim_end(), period.trim_end())
}

/// `quota / period`, rounded up. "No limit" in either version's words isn't a positive number, and neither is garbage.
fn whole_cpus(quota: &str, period: &str) -> Option<usize> {
    let quota: u64 = quota.parse().ok().filter(|&quota| quota > 0)?;
    let period: u64 = period.parse().ok().filter(|&period| period > 0)?;
    usize::try_from(quota.div_ceil(period)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v2_limit() {
        for (text, want) in [
            ("max 100000\n", None),
            ("100000 100000\n", Some(1)),
            ("100000 100000", Some(1)),
            ("200000 100000\n", Some(2)),
            ("150000 100000\n", Some(2)),
            ("10000 100000\n", Some(1)),
            ("100001 100000\n", Some(2)),
            ("1000 1000000\n", Some(1)),
            ("6400000 100000\n", Some(64)),
            ("18446744073709551615 1\n", Some(usize::MAX)),
            // Malformed.
            ("", None),
            ("\n", None),
            ("max\n", None),
            ("100000\n", None),
            ("0 100000\n", None),
            ("100000 0\n", None),
            ("-1 100000\n", None),
            ("100000 max\n", None),
            ("100000 100000 100000\n", None),
            ("1e5 100000\n", None),
            ("18446744073709551616 100000\n", None),
        ] {
            assert_eq!(parse_v2(text), want, "{text:?}");
        }
    }

    #[test]
    fn v1_limit() {
        for (quota, period, want) in [
            ("-1\n", "100000\n", None),
            ("100000\n", "100000\n", Some(1)),
            ("250000\n", "100000\n", Some(3)),
            ("50000\n", "100000\n", Some(1)),
            // Malformed.
            ("0\n", "100000\n", None),
            ("100000\n", "0\n", None),
            ("100000\n", "-1\n", None),
            ("", "", None),
            ("max\n", "100000\n", None),
        ] {
            assert_eq!(parse_v1(quota, period), want, "{quota:?} / {period:?}");
        }
    }

    #[test]
    fn quota_and_cpus() {
        for (cpus, quota, want) in [
            (8, None, 8),
            (8, Some(4), 4),
            (8, Some(8), 8),
            (8, Some(64), 8),
            // Never below 2 because of a quota …
            (8, Some(1), 2),
            (2, Some(1), 2),
            // … unless there are fewer CPUs.
            (1, Some(1), 1),
            (1, None, 1),
            (1, Some(4), 1),
        ] {
            assert_eq!(combine(cpus, quota), want, "{cpus} CPUs, quota {quota:?}");
        }
    }

    #[test]
    fn group_of_the_process() {
        for (membership, want) in [
            ("0::/\n", Some((Version::V2, "/"))),
            ("0::/user.slice/app.scope\n", Some((Version::V2, "/user.slice/app.scope"))),
            ("2:cpu,cpuacct:/a/b\n1:name=systemd:/c\n", Some((Version::V1, "/a/b"))),
            // Hybrid: the cpu controller can only be in one of the two.
            ("0::/unified\n3:cpuacct,cpu:/legacy\n", Some((Version::V1, "/legacy"))),
            ("3:cpuset:/a\n2:cpuacct:/b\n0::/c\n", Some((Version::V2, "/c"))),
            ("1:cpu:/with:colon\n", Some((Version::V1, "/with:colon"))),
            // Malformed, or no group at all.
            ("", None),
            ("1:name=systemd:/\n", None),
            ("0:\nnonsense\n\n", None),
            ("nonsense\n0::/after\n", Some((Version::V2, "/after"))),
        ] {
            let want = want.map(|(version, path)| (version, Path::new(path)));
            assert_eq!(own_group(membership), want, "{membership:?}");
        }
    }

    const V2_MOUNT: &str = "31 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1_MOUNTS: &str = "\
        25 30 0:23 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n\
        26 25 0:24 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n\
        27 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 master:2 - cgroup cgroup rw,cpu,cpuacct\n\
        28 25 0:26 / /sys/fs/cgroup/unified rw shared:12 - cgroup2 cgroup2 rw\n";

    #[test]
    fn place_in_the_file_system() {
        let v2 = |mount: &str, below: &str| Some((Version::V2, mount.to_owned(), below.to_owned()));
        let v1 = |mount: &str, below: &str| Some((Version::V1, mount.to_owned(), below.to_owned()));
        for (membership, mounts, want) in [
            ("0::/\n", V2_MOUNT, v2("/sys/fs/cgroup", "")),
            ("0::/a/b\n", V2_MOUNT, v2("/sys/fs/cgroup", "a/b")),
            ("4:cpuacct,cpu:/a\n0::/c\n", V1_MOUNTS, v1("/sys/fs/cgroup/cpu,cpuacct", "a")),
            // A container without a namespace of its own sees its group's full name, mounted.
            (
                "0::/docker/0123/child\n",
                "31 23 0:26 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
                v2("/sys/fs/cgroup", "child"),
            ),
            // Two mounts show the group: the one that shows more.
            (
                "0::/a/b\n",
                "31 23 0:26 /a/b /inner rw - cgroup2 c rw\n32 23 0:26 / /outer rw - cgroup2 c rw\n",
                v2("/outer", "a/b"),
            ),
            // No prefix of a name but of a path.
            ("0::/ab\n", "31 23 0:26 /a /inner rw - cgroup2 c rw\n", None),
            ("0::/a\n", "31 23 0:26 / /with\\040blank\\134x rw - cgroup2 c rw\n", v2("/with blank\\x", "a")),
            // Outside our namespace.
            ("0::/../sibling\n", V2_MOUNT, None),
            ("0::/../sibling\n", "31 23 0:26 /.. /all rw - cgroup2 c rw\n", v2("/all", "sibling")),
            // Malformed lines are passed over.
            ("0::/\n", "", None),
            ("0::/\n", "31 23 0:26 /\n - \n31 23 - cgroup2 c rw\n", None),
            ("1:cpu:/\n", "31 23 0:26 / /sys rw - cgroup cgroup\n", None),
        ] {
            let found = Group::locate(membership, mounts).map(|group| {
                let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
                (group.version, text(group.mount), text(group.below))
            });
            assert_eq!(found, want, "{membership:?} in {mounts:?}");
        }
    }

    #[test]
    fn escapes() {
        for (text, want) in [
            ("/plain", "/plain"),
            ("/a\\040b\\011c\\134d", "/a b\tc\\d"),
            ("/end\\04", "/end\\04"),
            ("/not\\09octal", "/not\\09octal"),
            ("\\", "\\"),
            ("/\\é", "/\\é"),
        ] {
            assert_eq!(unescape(text), want, "{text:?}");
        }
    }

    #[test]
    fn the_smallest_of_nested_limits_counts() {
        let v2_chain = ["/cg/a/b/cpu.max", "/cg/a/cpu.max", "/cg/cpu.max"];
        for (limits, want) in [
            (["max 100000\n", "max 100000\n", "max 100000\n"], None),
            (["300000 100000\n", "max 100000\n", "max 100000\n"], Some(3)),
            (["800000 100000\n", "300000 100000\n", "400000 100000\n"], Some(3)),
            (["max 100000\n", "800000 100000\n", "400000 100000\n"], Some(4)),
            (["garbage\n", "500000 100000\n", "\n"], Some(5)),
        ] {
            let group = Group { version: Version::V2, mount: "/cg".into(), below: "a/b".into() };
            let quota = group.smallest_quota(|path| {
                let level = v2_chain.iter().position(|file| path == Path::new(file));
                Some(limits[level.unwrap_or_else(|| panic!("read {}", path.display()))].to_owned())
            });
            assert_eq!(quota, want, "{limits:?}");
        }
    }

    #[test]
    fn nested_limits_of_version_1() {
        let group = Group { version: Version::V1, mount: "/cpu".into(), below: "a".into() };
        let quota = group.smallest_quota(|path| {
            let text = match path.to_str().unwrap() {
                "/cpu/a/cpu.cfs_quota_us" => "700000\n",
                "/cpu/a/cpu.cfs_period_us" => "100000\n",
                "/cpu/cpu.cfs_quota_us" => "100000\n",
                "/cpu/cpu.cfs_period_us" => "50000\n",
                other => panic!("read {other}"),
            };
            Some(text.to_owned())
        });
        assert_eq!(quota, Some(2));
    }

    #[test]
    fn files_that_cannot_be_read_are_no_limit() {
        for version in [Version::V1, Version::V2] {
            let group = Group { version, mount: "/cg".into(), below: "a/b".into() };
            assert_eq!(group.smallest_quota(|_| None), None);
        }
    }

    #[test]
    fn this_machine() {
        let procs = default_procs();
        assert!((1..=allowed_cpus()).contains(&procs), "{procs}");
    }
}
