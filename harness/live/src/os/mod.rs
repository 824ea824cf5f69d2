//! What only Linux has, behind functions without `unsafe`. Elsewhere each of them says that it is not supported.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod clear;
#[cfg(target_os = "linux")]
mod fuse;
#[cfg(target_os = "linux")]
mod guardian;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(not(target_os = "linux"))]
pub(crate) use other::*;
#[cfg(target_os = "linux")]
pub(crate) use {
    calls::{
        Controls, Shared, Wake, attach_loop, confine, copy_sparse, enter_network,
        enter_user_namespace, free_bytes, grow, hush, loopback_up, mount_bind, mount_ext4,
        mount_tmpfs, poll, set_hostname, shut_filesystem_down, signal, split_off, start_of,
        sync_filesystem, thread_id, tun, unmount, unmount_lazily,
    },
    clear::{remove_cgroup, remove_folder},
    fuse::{NAME as SERVED, Server, mount_served},
    guardian::{Guardian, Idle},
};
