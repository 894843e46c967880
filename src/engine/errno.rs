//! Linux's numbers where Rust's `ErrorKind` is too coarse; the other systems' are mapped beside.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod numbers {
    pub(super) const ENOBUFS: i32 = 105;
    pub(super) const EADDRNOTAVAIL: i32 = 99;
    pub(super) const ECONNABORTED: i32 = 103;
    pub(super) const ECONNRESET: i32 = 104;
    pub(super) const ETIMEDOUT: i32 = 110;
    pub(super) const ECONNREFUSED: i32 = 111;
    pub(super) const EAGAIN: i32 = 11;
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod numbers {
    pub(super) const ENOBUFS: i32 = 55;
    pub(super) const EADDRNOTAVAIL: i32 = 49;
    pub(super) const ECONNABORTED: i32 = 53;
    pub(super) const ECONNRESET: i32 = 54;
    pub(super) const ETIMEDOUT: i32 = 60;
    pub(super) const ECONNREFUSED: i32 = 61;
    pub(super) const EAGAIN: i32 = 35;
}

pub(super) const EPERM: i32 = 1;
pub(super) const ENOMEM: i32 = 12;
pub(super) const EACCES: i32 = 13;
pub(super) const ENFILE: i32 = 23;
pub(super) const EMFILE: i32 = 24;
pub(super) const EPIPE: i32 = 32;
pub(super) const ENOBUFS: i32 = numbers::ENOBUFS;
pub(super) const EADDRNOTAVAIL: i32 = numbers::EADDRNOTAVAIL;
pub(super) const ECONNABORTED: i32 = numbers::ECONNABORTED;
pub(super) const ECONNRESET: i32 = numbers::ECONNRESET;
pub(super) const ETIMEDOUT: i32 = numbers::ETIMEDOUT;
pub(super) const ECONNREFUSED: i32 = numbers::ECONNREFUSED;
pub(super) const EAGAIN: i32 = numbers::EAGAIN;
