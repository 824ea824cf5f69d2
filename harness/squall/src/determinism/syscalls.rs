//! Every system call of a simulation's thread that it does not need is caught.
//!
//! A seccomp filter of the thread alone lets memory, locks and standard output pass, and turns every other call
//! into a SIGSYS, whose handler notes it and decides: what the scenario allows is made after all, randomness and
//! clocks are answered from the run, processors as in every run, and everything else fails with EPERM.
//!
//! The handler allocates and takes locks, which a handler of a signal may not do in general. This signal is
//! synchronous: it comes in the middle of a system call that the thread itself makes. The allocator makes only calls
//! that are let through (and reads two files of the kernel's, which pass before anything is allocated), so
//! that the handler never runs while it holds its locks.

#![allow(unsafe_code)] // Installs a filter and a handler; reads what the kernel gives it.

use super::{
    allow::Allow,
    calls, clock, entropy,
    escape::{self, Call},
};
use libc::{c_int, c_long, c_void};
use std::{
    cell::Cell,
    ffi::CStr,
    mem::{offset_of, zeroed},
    ptr,
    sync::Once,
    time::Duration,
};

/// A call with this as its sixth argument passes: it is the handler's.
const PASS: u64 = 0x5351_5541_4c4c_2121;

/// What a thread needs to live, to wait for locks, and to die loudly.
const NEEDED: &[c_long] = &[
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_yield,
    libc::SYS_membarrier,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_restart_syscall,
];

/// What a process reads of itself: to print a backtrace, to manage its memory, to load a library.
const OWN: &[&str] = &[
    "/proc/self/",
    "/proc/sys/vm/overcommit_memory",
    "/sys/kernel/mm/",
    "/lib/",
    "/lib64/",
    "/usr/lib/",
    "/usr/lib64/",
    "/etc/ld.so.cache",
];

/// How many processors a run is told that there are (`std::thread::available_parallelism`): whatever the machine has,
/// because maps and pools are cut by it.
const PROCESSORS: u32 = 4;

/// Where the kernel tells of processors, and of limits on them: nothing is there.
const OF_PROCESSORS: &[&str] = &["/sys/fs/cgroup", "/sys/devices/system/cpu"];

thread_local! {
    /// Files below 64 that were opened with permission, one bit each.
    static OPEN: Cell<u64> = const { Cell::new(0) };
}

/// From here on, to its end, this thread's system calls are looked at.
///
/// # Errors
/// The kernel, or what the process runs in, does not permit it.
pub(super) fn guard(allow: &[Allow]) -> Result<(), String> {
    handle_traps();
    let mut passing = NEEDED.to_vec();
    for allow in allow {
        match allow {
            Allow::Threads => passing.extend([libc::SYS_clone, libc::SYS_clone3]),
            Allow::Call(name) => {
                let known = calls::NUMBERS.iter().filter(|(known, _)| known == name);
                passing.extend(known.map(|(_, number)| *number));
            }
            _ => {}
        }
    }
    let mut program = program(&passing);
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).expect("a filter has a few hundred steps"),
        filter: program.as_mut_ptr(),
    };
    let install = |flags: libc::c_ulong| {
        // SAFETY: the program lives until the call is over, which copies it.
        unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const program,
            )
        }
    };
    // SAFETY: four numbers, no memory. Without it only root may install a filter.
    let denied = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0;
    // The flag spares the thread what guards against a hostile program; kernels before 4.17 do not know it.
    if denied || (install(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW) != 0 && install(0) != 0) {
        let error = std::io::Error::last_os_error();
        return Err(format!("a filter for system calls (seccomp) is not permitted: {error}"));
    }
    Ok(())
}

/// The filter, in the kernel's language.
fn program(passing: &[c_long]) -> Vec<libc::sock_filter> {
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
    #[cfg(target_arch = "x86_64")]
    const NATIVE: u32 = 0xc000_003e;
    #[cfg(target_arch = "aarch64")]
    const NATIVE: u32 = 0xc000_00b7;
    let step = |code: u32, k: u32, yes: u8, no: u8| libc::sock_filter {
        code: u16::try_from(code).expect("codes of BPF have 16 bits"),
        jt: yes,
        jf: no,
        k,
    };
    let load = |offset: usize| {
        step(LOAD, u32::try_from(offset).expect("an offset in a small struct"), 0, 0)
    };
    let number = |call: c_long| u32::try_from(call).expect("numbers of system calls are small");
    let argument = |index: usize| offset_of!(libc::seccomp_data, args) + index * 8;
    let (pass, trap) =
        (step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0), step(RETURN, libc::SECCOMP_RET_TRAP, 0, 0));
    let mut steps = vec![
        load(offset_of!(libc::seccomp_data, arch)),
        step(EQUAL, NATIVE, 1, 0),
        trap,
        // Both machines are little-endian.
        load(argument(5)),
        step(EQUAL, (PASS & 0xffff_ffff) as u32, 0, 3),
        load(argument(5) + 4),
        step(EQUAL, (PASS >> 32) as u32, 0, 1),
        pass,
        load(offset_of!(libc::seccomp_data, nr)),
    ];
    for call in passing {
        steps.extend([step(EQUAL, number(*call), 0, 1), pass]);
    }
    // Standard output and error.
    for call in [libc::SYS_write, libc::SYS_writev] {
        steps.extend([
            step(EQUAL, number(call), 0, 5),
            load(argument(0)),
            step(EQUAL, 1, 1, 0),
            step(EQUAL, 2, 0, 1),
            pass,
            trap,
        ]);
    }
    // A lock that waits without a limit; with one it is a sleep.
    let command = 0x7f;
    steps.extend([
        step(EQUAL, number(libc::SYS_futex), 0, 9),
        load(argument(1)),
        step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, command, 0, 0),
        step(EQUAL, libc::FUTEX_WAIT as u32, 1, 0),
        step(EQUAL, libc::FUTEX_WAIT_BITSET as u32, 0, 4),
        load(argument(3)),
        step(EQUAL, 0, 0, 3),
        load(argument(3) + 4),
        step(EQUAL, 0, 0, 1),
        pass,
        trap,
    ]);
    steps
}

fn handle_traps() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_trap;
        // SAFETY: a zeroed action is a valid one, and the handler has the signature that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = handler as usize;
            // What the handler calls may be caught in turn.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            libc::sigaction(libc::SIGSYS, &raw const action, ptr::null_mut());
        }
    });
}

/// A call that was caught.
#[derive(Clone, Copy)]
struct Caught {
    number: c_long,
    arguments: [u64; 6],
}

extern "C" fn on_trap(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    const SYS_SECCOMP: c_int = 1;
    // SAFETY: the kernel gives both, and nobody else has them meanwhile.
    let (info, context) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    if info.si_code != SYS_SECCOMP {
        return;
    }
    // SAFETY: errno is this thread's own.
    let errno = unsafe { *libc::__errno_location() };
    let caught = caught(context);
    let result = match caught.number {
        libc::SYS_rt_sigprocmask => mask_signals(context, caught.arguments),
        _ => decide(caught),
    };
    answer(context, result);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

#[cfg(target_arch = "x86_64")]
fn caught(context: &libc::ucontext_t) -> Caught {
    let of = |register: c_int| context.uc_mcontext.gregs[register as usize];
    Caught {
        number: of(libc::REG_RAX),
        arguments: [
            libc::REG_RDI,
            libc::REG_RSI,
            libc::REG_RDX,
            libc::REG_R10,
            libc::REG_R8,
            libc::REG_R9,
        ]
        .map(|register| of(register).cast_unsigned()),
    }
}

#[cfg(target_arch = "x86_64")]
fn answer(context: &mut libc::ucontext_t, result: i64) {
    context.uc_mcontext.gregs[libc::REG_RAX as usize] = result;
}

#[cfg(target_arch = "aarch64")]
fn caught(context: &libc::ucontext_t) -> Caught {
    let of = |register: usize| context.uc_mcontext.regs[register];
    Caught { number: of(8).cast_signed(), arguments: [of(0), of(1), of(2), of(3), of(4), of(5)] }
}

#[cfg(target_arch = "aarch64")]
fn answer(context: &mut libc::ucontext_t, result: i64) {
    context.uc_mcontext.regs[0] = result.cast_unsigned();
}

/// What the call returns: a result, or an error's negative number.
fn decide(caught: Caught) -> i64 {
    let Caught { number, arguments } = caught;
    let [first, second, ..] = arguments;
    if let Some(path) = path_of(caught) {
        let write = writes(caught);
        if !write && OWN.iter().any(|own| path.to_bytes().starts_with(own.as_bytes())) {
            return opened(number, pass(caught));
        }
        if !escape::is_watched() {
            return pass(caught);
        }
        let path = path.to_string_lossy().into_owned();
        let of_processors = !write && OF_PROCESSORS.iter().any(|of| path.starts_with(of));
        let call = Call::File { call: calls::name(number), path, write };
        if of_processors && !escape::allowed(&call) {
            return -i64::from(libc::ENOENT);
        }
        return with_permission(caught, call);
    }
    if !escape::is_watched() {
        // A thread that the scenario allows.
        return pass(caught);
    }
    match number {
        libc::SYS_getrandom => {
            let length = usize::try_from(second).expect("a register is as wide as a usize");
            // SAFETY: the caller vouches for `length` bytes, as it would to the kernel.
            let bytes = unsafe { std::slice::from_raw_parts_mut(pointer::<u8>(first), length) };
            entropy::fill(bytes);
            i64::try_from(length).expect("no buffer is longer than isize::MAX")
        }
        libc::SYS_clock_gettime => {
            let wall = clock::is_wall(clock_of(first));
            let now = clock::timespec(
                clock::read(wall).expect("only threads of a simulation are caught"),
            );
            // SAFETY: the caller vouches for the place, as it would to the kernel.
            unsafe { pointer::<libc::timespec>(second).write(now) };
            0
        }
        libc::SYS_sched_getaffinity => {
            if second < 8 {
                return -i64::from(libc::EINVAL);
            }
            // SAFETY: the caller vouches for `second` bytes, as it would to the kernel.
            unsafe {
                pointer::<[u8; 8]>(arguments[2]).write(((1_u64 << PROCESSORS) - 1).to_ne_bytes());
            };
            8
        }
        libc::SYS_futex => {
            let absolute = (second & 0x7f == libc::FUTEX_WAIT_BITSET as u64)
                .then_some(second & libc::FUTEX_CLOCK_REALTIME as u64 != 0);
            sleep(arguments[3], absolute);
            -i64::from(libc::ETIMEDOUT)
        }
        libc::SYS_nanosleep => {
            sleep(first, None);
            0
        }
        libc::SYS_clock_nanosleep => {
            let clock = clock_of(first);
            let absolute = second & libc::TIMER_ABSTIME as u64 != 0;
            sleep(arguments[2], absolute.then_some(clock::is_wall(clock)));
            0
        }
        libc::SYS_clone | libc::SYS_clone3 => refused(Call::Thread),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork | libc::SYS_vfork => refused(Call::Thread),
        // Who aborts needs it.
        libc::SYS_getpid => {
            escape::note(Call::Other(calls::name(number)));
            pass(caught)
        }
        libc::SYS_close if is_open(first) => {
            OPEN.set(OPEN.get() & !(1 << first));
            pass(caught)
        }
        _ if ON_FILES.contains(&number) && is_open(first) => pass(caught),
        _ => refused(Call::Other(calls::name(number))),
    }
}

/// The thread is to sleep for a time, or until a time of the wall's or another clock.
fn sleep(time: u64, until: Option<bool>) {
    escape::note(Call::Sleep);
    // SAFETY: the caller gives a time, as it would to the kernel.
    let time = unsafe { pointer::<libc::timespec>(time).read() };
    // The kernel takes no negative time; here it is none at all.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let time = Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0));
    let now = until.and_then(clock::read).unwrap_or_default();
    clock::sleep(time.saturating_sub(now));
}

/// Blocks and unblocks signals, but never the one that catches calls: who starts a thread blocks all, and then
/// makes a call that must be caught.
fn mask_signals(context: &mut libc::ucontext_t, arguments: [u64; 6]) -> i64 {
    let [how, set, old, ..] = arguments;
    // The kernel's sets are 64 bits; the handler's return puts this one into force.
    let mask = (&raw mut context.uc_sigmask).cast::<u64>();
    // SAFETY: a set of libc's begins with the kernel's; the caller's are valid, as they would be for the kernel.
    unsafe {
        let before = *mask;
        if set != 0 {
            let set = pointer::<u64>(set).read();
            let after = match c_int::try_from(how) {
                Ok(libc::SIG_BLOCK) => before | set,
                Ok(libc::SIG_UNBLOCK) => before & !set,
                Ok(libc::SIG_SETMASK) => set,
                _ => return -i64::from(libc::EINVAL),
            };
            let catch = 1 << (libc::SIGSYS - 1);
            if after & catch != 0 {
                escape::may_start_a_thread();
            }
            *mask = after & !catch;
        }
        if old != 0 {
            pointer::<u64>(old).write(before);
        }
    }
    0
}

fn refused(call: Call) -> i64 {
    escape::note(call);
    -i64::from(libc::EPERM)
}

fn with_permission(caught: Caught, call: Call) -> i64 {
    if escape::allowed(&call) {
        return opened(caught.number, pass(caught));
    }
    refused(call)
}

/// Remembers what was opened with permission.
fn opened(number: c_long, result: i64) -> i64 {
    let opens = number == libc::SYS_openat || is_plain_open(number);
    if opens && (0..64).contains(&result) {
        OPEN.set(OPEN.get() | 1 << result);
    }
    result
}

fn is_open(file: u64) -> bool {
    file < 64 && OPEN.get() >> file & 1 == 1
}

/// What is done with a file that is open.
const ON_FILES: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_newfstatat,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
];

/// The path that a call names, if it names one.
fn path_of(caught: Caught) -> Option<&'static CStr> {
    let at = match caught.number {
        libc::SYS_openat
        | libc::SYS_statx
        | libc::SYS_newfstatat
        | libc::SYS_readlinkat
        | libc::SYS_faccessat
        | libc::SYS_faccessat2
        | libc::SYS_mkdirat
        | libc::SYS_unlinkat
        | libc::SYS_renameat2
        | libc::SYS_linkat
        | libc::SYS_fchmodat => caught.arguments[1],
        libc::SYS_symlinkat => caught.arguments[2],
        libc::SYS_chdir | libc::SYS_truncate => caught.arguments[0],
        number => old_path(number, caught)?,
    };
    if at == 0 {
        return None;
    }
    // SAFETY: the caller gives a C string, as it would to the kernel, and waits meanwhile.
    let path = unsafe { CStr::from_ptr(pointer(at)) };
    // An empty path means the file that is open.
    (!path.is_empty()).then_some(path)
}

/// Calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
fn old_path(number: c_long, caught: Caught) -> Option<u64> {
    match number {
        libc::SYS_renameat => Some(caught.arguments[1]),
        libc::SYS_open
        | libc::SYS_creat
        | libc::SYS_stat
        | libc::SYS_lstat
        | libc::SYS_access
        | libc::SYS_readlink
        | libc::SYS_mkdir
        | libc::SYS_rmdir
        | libc::SYS_unlink
        | libc::SYS_rename
        | libc::SYS_link
        | libc::SYS_symlink
        | libc::SYS_chmod => Some(caught.arguments[0]),
        _ => None,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn old_path(_: c_long, _: Caught) -> Option<u64> {
    None
}

#[cfg(target_arch = "x86_64")]
fn is_plain_open(number: c_long) -> bool {
    number == libc::SYS_open
}

#[cfg(not(target_arch = "x86_64"))]
fn is_plain_open(_: c_long) -> bool {
    false
}

/// A call that names a path changes what is there.
fn writes(caught: Caught) -> bool {
    let flags = match caught.number {
        libc::SYS_openat => caught.arguments[2],
        number if is_plain_open(number) => caught.arguments[1],
        libc::SYS_statx
        | libc::SYS_newfstatat
        | libc::SYS_readlinkat
        | libc::SYS_faccessat
        | libc::SYS_faccessat2
        | libc::SYS_chdir => return false,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_stat | libc::SYS_lstat | libc::SYS_access | libc::SYS_readlink => return false,
        _ => return true,
    };
    let writing = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND;
    flags & u64::from(writing.cast_unsigned()) != 0
}

/// Makes the call after all.
fn pass(caught: Caught) -> i64 {
    let [a, b, c, d, e, _] = caught.arguments;
    // SAFETY: the caller's own call, whose arguments are its own to vouch for.
    let result = unsafe { libc::syscall(caught.number, a, b, c, d, e, PASS) };
    if result == -1 {
        // SAFETY: errno is this thread's own.
        return -i64::from(unsafe { *libc::__errno_location() });
    }
    result
}

/// The clock that a caller names: an `int`, of which the kernel reads the low half of the register.
#[allow(clippy::cast_possible_truncation)]
fn clock_of(register: u64) -> libc::clockid_t {
    register as libc::clockid_t
}

fn pointer<T>(address: u64) -> *mut T {
    ptr::with_exposed_provenance_mut(
        usize::try_from(address).expect("a register is as wide as a usize"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::{self, available_parallelism};

    #[test]
    fn how_many_processors_there_are_is_no_business_of_a_run() {
        let told = crate::determinism::isolated(1, &[], || available_parallelism().unwrap());
        let told = told.unwrap();
        assert_eq!(told.unwatched, None);
        assert!(told.escape.is_none(), "{:?}", told.escape);
        assert_eq!(told.result.get(), 4);
        let allow = [Allow::Call("sched_getaffinity".to_owned())];
        let told = crate::determinism::isolated(1, &allow, || available_parallelism().unwrap());
        let outside = thread::spawn(|| available_parallelism().unwrap()).join().unwrap();
        assert!(told.unwrap().result >= outside);
    }

    /// As in a container that permits no filters.
    #[test]
    fn where_filters_are_not_permitted_it_says_so() {
        let told = std::thread::spawn(|| {
            let step = |code: u32, k: u32, yes: u8, no: u8| libc::sock_filter {
                code: u16::try_from(code).unwrap(),
                jt: yes,
                jf: no,
                k,
            };
            let refuse = libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).unwrap();
            let mut steps = [
                step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
                step(
                    libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                    u32::try_from(libc::SYS_seccomp).unwrap(),
                    0,
                    1,
                ),
                step(libc::BPF_RET | libc::BPF_K, refuse, 0, 0),
                step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
            ];
            let program = libc::sock_fprog { len: 4, filter: steps.as_mut_ptr() };
            // SAFETY: as in `guard`.
            unsafe {
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                let mode = libc::SECCOMP_SET_MODE_FILTER;
                assert_eq!(libc::syscall(libc::SYS_seccomp, mode, 0, &raw const program), 0);
            }
            guard(&[]).unwrap_err()
        });
        let told = told.join().unwrap();
        assert!(told.contains("is not permitted: Operation not permitted"), "{told}");
    }
}
