//! System calls by name.

macro_rules! calls {
    ($($(#[$only:meta])? $name:ident $number:ident,)*) => {
        /// Those that a message or `allow` can name.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Their numbers on this machine.
        #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
        pub(super) const NUMBERS: &[(&str, i64)] =
            &[$($(#[$only])? (stringify!($name), libc::$number)),*];
    };
}

calls! {
    accept4 SYS_accept4,
    bind SYS_bind,
    chdir SYS_chdir,
    clock_gettime SYS_clock_gettime,
    clock_nanosleep SYS_clock_nanosleep,
    clone SYS_clone,
    clone3 SYS_clone3,
    close SYS_close,
    connect SYS_connect,
    dup SYS_dup,
    epoll_create1 SYS_epoll_create1,
    eventfd2 SYS_eventfd2,
    execve SYS_execve,
    faccessat SYS_faccessat,
    fchmodat SYS_fchmodat,
    fcntl SYS_fcntl,
    fdatasync SYS_fdatasync,
    flock SYS_flock,
    fstat SYS_fstat,
    fsync SYS_fsync,
    ftruncate SYS_ftruncate,
    getcwd SYS_getcwd,
    getdents64 SYS_getdents64,
    getpid SYS_getpid,
    getppid SYS_getppid,
    getrandom SYS_getrandom,
    getrusage SYS_getrusage,
    getsockname SYS_getsockname,
    getsockopt SYS_getsockopt,
    getuid SYS_getuid,
    io_uring_setup SYS_io_uring_setup,
    ioctl SYS_ioctl,
    kill SYS_kill,
    linkat SYS_linkat,
    listen SYS_listen,
    lseek SYS_lseek,
    memfd_create SYS_memfd_create,
    mkdirat SYS_mkdirat,
    nanosleep SYS_nanosleep,
    newfstatat SYS_newfstatat,
    openat SYS_openat,
    pipe2 SYS_pipe2,
    ppoll SYS_ppoll,
    prctl SYS_prctl,
    pread64 SYS_pread64,
    prlimit64 SYS_prlimit64,
    pwrite64 SYS_pwrite64,
    read SYS_read,
    readlinkat SYS_readlinkat,
    readv SYS_readv,
    recvfrom SYS_recvfrom,
    renameat2 SYS_renameat2,
    sched_getaffinity SYS_sched_getaffinity,
    sendto SYS_sendto,
    setsockopt SYS_setsockopt,
    shutdown SYS_shutdown,
    socket SYS_socket,
    socketpair SYS_socketpair,
    statx SYS_statx,
    symlinkat SYS_symlinkat,
    sysinfo SYS_sysinfo,
    timerfd_create SYS_timerfd_create,
    uname SYS_uname,
    unlinkat SYS_unlinkat,
    wait4 SYS_wait4,
    write SYS_write,
    writev SYS_writev,
    #[cfg(target_arch = "x86_64")] access SYS_access,
    #[cfg(target_arch = "x86_64")] chmod SYS_chmod,
    #[cfg(target_arch = "x86_64")] fork SYS_fork,
    #[cfg(target_arch = "x86_64")] link SYS_link,
    #[cfg(target_arch = "x86_64")] lstat SYS_lstat,
    #[cfg(target_arch = "x86_64")] mkdir SYS_mkdir,
    #[cfg(target_arch = "x86_64")] renameat SYS_renameat,
    #[cfg(target_arch = "x86_64")] open SYS_open,
    #[cfg(target_arch = "x86_64")] poll SYS_poll,
    #[cfg(target_arch = "x86_64")] readlink SYS_readlink,
    #[cfg(target_arch = "x86_64")] rename SYS_rename,
    #[cfg(target_arch = "x86_64")] rmdir SYS_rmdir,
    #[cfg(target_arch = "x86_64")] stat SYS_stat,
    #[cfg(target_arch = "x86_64")] symlink SYS_symlink,
    #[cfg(target_arch = "x86_64")] unlink SYS_unlink,
    #[cfg(target_arch = "x86_64")] vfork SYS_vfork,
}

/// A system call's name.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn name(number: i64) -> String {
    let known = NUMBERS.iter().find(|(_, known)| *known == number);
    known.map_or_else(|| format!("system call {number}"), |(name, _)| (*name).to_owned())
}
