/* Runs in a guest: what user space does to make the kernel release something.
 *
 * Each workload prepares, says "begin NAME" in the trace, does what drops the last
 * reference, and says "end NAME" once it is back in user space.  Tracing is on between
 * those two and for a while after, so that what was put off is seen as well.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_alg.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/loop.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <linux/uinput.h>
#include <linux/userfaultfd.h>
#include <linux/veth.h>
#include <linux/vhost.h>
#include <arpa/inet.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRACE "/sys/kernel/tracing/instances/probe/"
#define DISK "/dev/loop0"	/* ext4, made by the harness */
#define MNT "/mnt/a"

static int marker = -1, tracing = -1;
static const char *current;
static int waited;

static void note(const char *what)
{
	char line[80];
	int n = snprintf(line, sizeof(line), "%s %s", what, current);

	if (write(marker, line, n) != n)
		perror("trace_marker");
}

/* The probes of the rows that the current workload is for; a drop's have the function's name. */
static void probes(const char *on)
{
	char path[160];
	const char *colon = strchr(current, ':');
	int fd;

	snprintf(path, sizeof(path), TRACE "events/%c_%.*s/enable", colon ? 'd' : 'w',
		 colon ? (int)(colon - current) : 60, current);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, on, 1) != 1)
		perror(path);
	close(fd);
}

static void begin(void)
{
	if (write(tracing, "1", 1) != 1)
		perror("tracing_on");
	note("begin");
}

static void end(void)
{
	note("end");
}

static int check(long result, const char *what)
{
	if (result < 0) {
		printf("workload %s: %s: %s\n", current, what, strerror(errno));
		fflush(stdout);
	}
	return result;
}

static int file_on(const char *folder, int unlinked)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "%s/file", folder);
	fd = check(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), path);
	if (write(fd, "some text\n", 10) != 10)
		perror("write");
	if (unlinked)
		unlink(path);
	return fd;
}

static void mounted(const char *where)
{
	mkdir(where, 0700);
	check(mount(DISK, where, "ext4", 0, NULL), "mount");
}

/* Runs a function in a child that has prepared itself; the parent waits for its end. */
static int pipes[2][2];

static pid_t child(void (*prepare)(void), void (*act)(void))
{
	char c = 0;
	pid_t pid;

	if (pipe2(pipes[0], O_CLOEXEC) || pipe2(pipes[1], O_CLOEXEC))
		perror("pipe");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(pipes[0][1]);
		close(pipes[1][0]);
		if (prepare)
			prepare();
		if (write(pipes[1][1], &c, 1) != 1)
			_exit(1);
		if (read(pipes[0][0], &c, 1) != 1)
			_exit(1);
		if (act)
			act();
		_exit(0);
	}
	close(pipes[0][0]);
	close(pipes[1][1]);
	if (read(pipes[1][0], &c, 1) != 1)
		printf("workload %s: the child failed\n", current);
	return pid;
}

static void finish(pid_t pid)
{
	char c = 0;

	begin();
	if (write(pipes[0][1], &c, 1) != 1)
		perror("write to child");
	waitpid(pid, NULL, 0);
	end();
	close(pipes[0][1]);
	close(pipes[1][0]);
}

/* ---- files ---- */

static void close_it(int fd)
{
	begin();
	close(fd);
	end();
}

static void close_unlinked(void)
{
	mounted(MNT);
	close_it(file_on(MNT, 1));
	umount(MNT);
}

static void close_locked(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = file_on("/tmp", 0);

	check(fcntl(fd, F_SETLK, &lock), "F_SETLK");
	check(flock(fd, LOCK_EX), "flock");
	close_it(fd);
}

static void close_range_unlinked(void)
{
	int fd = file_on("/tmp", 1);

	begin();
	syscall(SYS_close_range, fd, fd, 0);
	end();
}

static void dup2_over_last(void)
{
	int fd = file_on("/tmp", 1), other = open("/dev/null", O_RDONLY);

	begin();
	dup2(other, fd);
	end();
	close(other);
	close(fd);
}

static void memfd_close(void)
{
	int fd = check(syscall(SYS_memfd_create, "m", 0), "memfd_create");

	if (write(fd, "x", 1) != 1)
		perror("write");
	close_it(fd);
}

static void munmap_unlinked(void)
{
	int fd = file_on("/tmp", 1);
	char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	begin();
	munmap(map, 4096);
	end();
}

static int kept;

static void hold_file(void)
{
	kept = file_on("/tmp", 1);
}

static void exit_lastfile(void)
{
	finish(child(hold_file, NULL));
}

static void exec_true(void)
{
	execl("/bin/busybox", "true", NULL);
}

static void exec_cloexec(void)
{
	finish(child(hold_file, exec_true));
}

static void exec_task(void)
{
	finish(child(NULL, exec_true));
}

static void send_fd(int sock, int fd)
{
	char data = 0, space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &data, 1 };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	check(sendmsg(sock, &msg, 0), "sendmsg");
}

static void scm_queued_close(void)
{
	int pair[2], fd = file_on("/tmp", 1);

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	send_fd(pair[0], fd);
	close(fd);
	close(pair[0]);
	close_it(pair[1]);
}

static void scm_recv_discard(void)
{
	int pair[2], fd = file_on("/tmp", 1);
	char data;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	send_fd(pair[0], fd);
	close(fd);
	begin();
	if (recv(pair[1], &data, 1, 0) != 1)
		perror("recv");
	end();
	close(pair[0]);
	close(pair[1]);
}

static void unix_gc_close(void)
{
	int pair[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	send_fd(pair[0], pair[0]);
	send_fd(pair[1], pair[1]);
	close(pair[0]);
	close_it(pair[1]);
}

static void epoll_close(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0), other = eventfd(0, 0);

	epoll_ctl(fd, EPOLL_CTL_ADD, other, &event);
	close_it(fd);
	close(other);
}

static void epoll_target_close(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0), other = eventfd(0, 0);

	epoll_ctl(fd, EPOLL_CTL_ADD, other, &event);
	close_it(other);
	close(fd);
}

static void pipe_close(void)
{
	int both[2];

	if (pipe(both))
		perror("pipe");
	close(both[0]);
	close_it(both[1]);
}

static void timerfd_close(void)
{
	close_it(timerfd_create(CLOCK_MONOTONIC, 0));
}

static void inotify_close(void)
{
	int fd = inotify_init1(0);

	inotify_add_watch(fd, "/tmp", IN_CREATE);
	close_it(fd);
}

static void inotify_rm(void)
{
	int fd = inotify_init1(0), watch = inotify_add_watch(fd, "/tmp", IN_CREATE);

	begin();
	inotify_rm_watch(fd, watch);
	end();
	close(fd);
}

static void inotify_unlink(void)
{
	int fd = inotify_init1(0);

	close(file_on("/tmp", 0));
	inotify_add_watch(fd, "/tmp/file", IN_CREATE);
	begin();
	unlink("/tmp/file");
	end();
	close(fd);
}

static void dnotify_close(void)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY);

	signal(SIGIO, SIG_IGN);
	check(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT), "F_NOTIFY");
	close_it(fd);
}

static void fanotify_close(void)
{
	int fd = check(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY), "fanotify_init");

	check(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, -1, "/tmp"), "mark");
	close_it(fd);
}

static void userfaultfd_close(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = check(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");

	ioctl(fd, UFFDIO_API, &api);
	close_it(fd);
}

static int perf_fd(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.config = PERF_COUNT_SW_CONTEXT_SWITCHES };

	return check(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0), "perf_event_open");
}

static void perf_close(void)
{
	close_it(perf_fd());
}

static void perf_buffer_close(void)
{
	int fd = perf_fd();
	void *map = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	begin();
	munmap(map, 2 * 4096);
	end();
	close(fd);
}

static void pidfd_close(void)
{
	pid_t pid = child(NULL, NULL);
	int fd = check(syscall(SYS_pidfd_open, pid, 0), "pidfd_open");
	char c = 0;

	if (write(pipes[0][1], &c, 1) != 1)
		perror("write");
	waitpid(pid, NULL, 0);
	close_it(fd);
}

static void lease_close(void)
{
	int fd;

	close(file_on("/tmp", 0));
	fd = open("/tmp/file", O_RDONLY);
	check(fcntl(fd, F_SETLEASE, F_RDLCK), "F_SETLEASE");
	close_it(fd);
}

static void unlink_tmpfs(void)
{
	close(file_on("/tmp", 0));
	begin();
	unlink("/tmp/file");
	end();
}

static void unlink_ext4(void)
{
	mounted(MNT);
	close(file_on(MNT, 0));
	begin();
	unlink(MNT "/file");
	end();
	umount(MNT);
}

static void rename_over(void)
{
	mounted(MNT);
	close(open(MNT "/old", O_CREAT | O_RDWR, 0600));
	close(file_on(MNT, 0));
	begin();
	rename(MNT "/old", MNT "/file");
	end();
	unlink(MNT "/file");
	umount(MNT);
}

static void truncate_ext4(void)
{
	mounted(MNT);
	close(file_on(MNT, 0));
	begin();
	check(truncate(MNT "/file", 0), "truncate");
	end();
	unlink(MNT "/file");
	umount(MNT);
}

static void rmdir_tmpfs(void)
{
	mkdir("/tmp/folder", 0700);
	begin();
	rmdir("/tmp/folder");
	end();
}

static void write_to(const char *path, const char *text)
{
	int fd = check(open(path, O_WRONLY), path);

	check(write(fd, text, strlen(text)), path);
	close(fd);
}

static void drop_caches(void)
{
	mounted(MNT);
	close(file_on(MNT, 0));
	begin();
	write_to("/proc/sys/vm/drop_caches", "2");
	end();
	unlink(MNT "/file");
	umount(MNT);
}

static void acct_off(void)
{
	close(file_on("/tmp", 0));
	check(syscall(SYS_acct, "/tmp/file"), "acct");
	begin();
	syscall(SYS_acct, NULL);
	end();
}

static void freeze_thaw(void)
{
	int fd;

	mounted(MNT);
	fd = open(MNT, O_RDONLY);
	check(ioctl(fd, _IOWR('X', 119, int), 0), "FIFREEZE");
	begin();
	check(ioctl(fd, _IOWR('X', 120, int), 0), "FITHAW");
	end();
	close(fd);
	umount(MNT);
}

/* ---- mounts ---- */

static void umount_ext4(void)
{
	mounted(MNT);
	begin();
	umount(MNT);
	end();
}

static void umount_detach(void)
{
	mounted(MNT);
	begin();
	umount2(MNT, MNT_DETACH);
	end();
}

static void umount_detach_busyfile(void)
{
	int fd;

	mounted(MNT);
	fd = file_on(MNT, 0);
	umount2(MNT, MNT_DETACH);
	close_it(fd);
}

static void umount_force(void)
{
	mounted(MNT);
	begin();
	umount2(MNT, MNT_FORCE);
	end();
}

static void expire_mount(void)
{
	mounted(MNT);
	umount2(MNT, MNT_EXPIRE);
	begin();
	check(umount2(MNT, MNT_EXPIRE), "MNT_EXPIRE");
	end();
}

static void umount_tmpfs(void)
{
	mkdir("/mnt/t", 0700);
	check(mount("t", "/mnt/t", "tmpfs", 0, NULL), "mount");
	close(file_on("/mnt/t", 0));
	begin();
	umount("/mnt/t");
	end();
}

static void umount_overlay(void)
{
	mkdir("/tmp/l", 0700);
	mkdir("/tmp/u", 0700);
	mkdir("/tmp/w", 0700);
	mkdir("/mnt/o", 0700);
	check(mount("o", "/mnt/o", "overlay", 0, "lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w"),
	      "overlay");
	begin();
	umount("/mnt/o");
	end();
}

static void umount_overlay_lower(void)
{
	mounted(MNT);
	mkdir("/tmp/l2", 0700);
	mkdir("/mnt/o", 0700);
	check(mount("o", "/mnt/o", "overlay", 0, "lowerdir=/mnt/a:/tmp/l2"), "overlay");
	umount2(MNT, MNT_DETACH);
	begin();
	umount("/mnt/o");
	end();
}

static void umount_fuse(void)
{
	char options[80];
	int fd = check(open("/dev/fuse", O_RDWR), "/dev/fuse");

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	mkdir("/mnt/f", 0700);
	check(mount("f", "/mnt/f", "fuse", 0, options), "fuse");
	begin();
	umount2("/mnt/f", MNT_DETACH);
	end();
	close(fd);
}

static void fuse_dev_close(void)
{
	char options[80];
	int fd = check(open("/dev/fuse", O_RDWR), "/dev/fuse");

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	mkdir("/mnt/f", 0700);
	check(mount("f", "/mnt/f", "fuse", 0, options), "fuse");
	close_it(fd);
	umount2("/mnt/f", MNT_DETACH);
}

static void umount_nfsd(void)
{
	mkdir("/mnt/n", 0700);
	check(mount("n", "/mnt/n", "nfsd", 0, NULL), "nfsd");
	begin();
	umount("/mnt/n");
	end();
}

static void umount_bind(void)
{
	mkdir("/mnt/b", 0700);
	check(mount("/tmp", "/mnt/b", NULL, MS_BIND, NULL), "bind");
	begin();
	umount("/mnt/b");
	end();
}

static void mount_fails(void)
{
	mkdir(MNT, 0700);
	begin();
	/* the device has no such filesystem on it */
	if (mount(DISK, MNT, "xfs", 0, NULL) == 0)
		umount(MNT);
	end();
}

static void remount_ro(void)
{
	mounted(MNT);
	begin();
	check(mount(NULL, MNT, NULL, MS_REMOUNT | MS_RDONLY, NULL), "remount");
	end();
	umount(MNT);
}

static void fsmount_close(void)
{
	int context = check(syscall(SYS_fsopen, "tmpfs", 0), "fsopen"), mnt;

	syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0);
	mnt = check(syscall(SYS_fsmount, context, 0, 0), "fsmount");
	close(context);
	close_it(mnt);
}

static void fscontext_close(void)
{
	int context = check(syscall(SYS_fsopen, "tmpfs", 0), "fsopen");

	syscall(SYS_fsconfig, context, 6, NULL, NULL, 0);
	close_it(context);
}

static void opentree_close(void)
{
	int fd;

	mounted(MNT);
	fd = check(syscall(SYS_open_tree, AT_FDCWD, MNT, 1 /* OPEN_TREE_CLONE */), "open_tree");
	umount(MNT);
	close_it(fd);
}

static void chdir_detached(void)
{
	mounted(MNT);
	check(chdir(MNT), "chdir");
	umount2(MNT, MNT_DETACH);
	begin();
	check(chdir("/"), "chdir");
	end();
}

static void in_detached(void)
{
	mounted(MNT);
	check(chdir(MNT), "chdir");
	umount2(MNT, MNT_DETACH);
}

static void exit_cwd_detached(void)
{
	finish(child(in_detached, NULL));
}

static void chroot_detached(void)
{
	mounted(MNT);
	check(chroot(MNT), "chroot");
}

static void leave_root(void)
{
	umount2("/", MNT_DETACH);
}

static void exit_root_detached(void)
{
	pid_t pid = child(chroot_detached, leave_root);

	umount2(MNT, MNT_DETACH);
	finish(pid);
}

static void own_mntns(void)
{
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	mounted(MNT);
}

static void exit_mntns(void)
{
	finish(child(own_mntns, NULL));
}

static int back;

static void own_mntns_and_back(void)
{
	back = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	own_mntns();
}

static void away(void)
{
	check(setns(back, 0), "setns");
}

static void setns_away_mntns(void)
{
	finish(child(own_mntns_and_back, away));
}

/* ---- block devices ---- */

static int loop_with(const char *path, const char *back_file, int flags)
{
	struct loop_config config = { .fd = open(back_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600) };
	int fd = check(open(path, O_RDWR | O_CLOEXEC), path);

	check(ftruncate(config.fd, 1 << 20), "truncate");
	config.info.lo_flags = flags;
	check(ioctl(fd, LOOP_CONFIGURE, &config), "LOOP_CONFIGURE");
	close(config.fd);
	unlink(back_file);
	return fd;
}

static void loop_clear(void)
{
	int fd = loop_with("/dev/loop1", "/tmp/loop1", 0);

	begin();
	ioctl(fd, LOOP_CLR_FD, 0);
	close(fd);
	end();
}

static void loop_close_autoclear(void)
{
	close_it(loop_with("/dev/loop2", "/tmp/loop2", LO_FLAGS_AUTOCLEAR));
}

static void loop_remove(void)
{
	int control = check(open("/dev/loop-control", O_RDWR), "loop-control");

	begin();
	check(ioctl(control, LOOP_CTL_REMOVE, 7), "LOOP_CTL_REMOVE");
	end();
	close(control);
}

static void bdev_close(void)
{
	close_it(check(open(DISK, O_RDWR | O_EXCL), DISK));
}

static void swap_off(void)
{
	begin();
	check(swapoff("/dev/loop3"), "swapoff");
	end();
}

static void run(const char *command)
{
	if (system(command))
		printf("workload %s: %s failed\n", current, command);
}

static void module_remove(const char *name)
{
	begin();
	check(syscall(SYS_delete_module, name, O_NONBLOCK), name);
	end();
}

static void rmmod_dummy(void)
{
	module_remove("dummy");
}

static void rmmod_null_blk(void)
{
	module_remove("null_blk");
}

static void rmmod_brd(void)
{
	module_remove("brd");
}

static void rmmod_scsi_debug(void)
{
	module_remove("scsi_debug");
}

static void rmmod_nbd(void)
{
	module_remove("nbd");
}

static void rmmod_vcan(void)
{
	module_remove("vcan");
}

static void rmmod_snd_dummy(void)
{
	module_remove("snd_dummy");
}

static void rmmod_cuse(void)
{
	module_remove("cuse");
}

static void rmmod_dummy_hcd(void)
{
	module_remove("dummy_hcd");
}

static void rmmod_ip_tables(void)
{
	module_remove("iptable_filter");
}

static void scsi_delete(void)
{
	begin();
	write_to("/sys/class/scsi_device/0:0:0:0/device/delete", "1");
	end();
}

static void zram_remove(void)
{
	char number[8] = "";
	int fd = check(open("/sys/class/zram-control/hot_add", O_RDONLY), "hot_add");

	if (read(fd, number, sizeof(number) - 1) < 1)
		perror("hot_add");
	close(fd);
	begin();
	write_to("/sys/class/zram-control/hot_remove", number);
	end();
}

/* ---- processes and namespaces ---- */

static void exit_task(void)
{
	finish(child(NULL, NULL));
}

static void *nothing(void *unused)
{
	return unused;
}

static void make_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
}

static void exit_thread(void)
{
	begin();
	make_thread();
	end();
}

static void use_much(void)
{
	timer_t timer;
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };
	sigset_t set;

	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
	perf_fd();
	setsid();
}

static void exit_loaded(void)
{
	finish(child(use_much, NULL));
}

static void own_netns(void)
{
	check(unshare(CLONE_NEWNET), "unshare");
}

static void exit_netns(void)
{
	waited = 2;
	finish(child(own_netns, NULL));
}

static void own_ipcns(void)
{
	int id;

	check(unshare(CLONE_NEWIPC), "unshare");
	id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	check(id, "shmget");
	check(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600), "semget");
	check(msgget(IPC_PRIVATE, IPC_CREAT | 0600), "msgget");
}

static void exit_ipcns(void)
{
	finish(child(own_ipcns, NULL));
}

static void own_userns(void)
{
	check(unshare(CLONE_NEWUSER), "unshare");
}

static void exit_userns(void)
{
	finish(child(own_userns, NULL));
}

static void own_utsns(void)
{
	check(unshare(CLONE_NEWUTS), "unshare");
}

static void exit_utsns(void)
{
	finish(child(own_utsns, NULL));
}

static void own_cgroupns(void)
{
	check(unshare(CLONE_NEWCGROUP), "unshare");
}

static void exit_cgroupns(void)
{
	finish(child(own_cgroupns, NULL));
}

static pid_t inner;

static void own_pidns(void)
{
	check(unshare(CLONE_NEWPID), "unshare");
	inner = fork();
	if (inner == 0) {
		pause();
		_exit(0);
	}
}

static void end_inner(void)
{
	kill(inner, SIGKILL);
	waitpid(inner, NULL, 0);
}

static void exit_pidns(void)
{
	waited = 1;
	finish(child(own_pidns, end_inner));
}

static void two_in_pidns(void)
{
	check(unshare(CLONE_NEWPID), "unshare");
	inner = fork();
	if (inner == 0) {
		if (fork() == 0)
			pause();
		pause();
		_exit(0);
	}
	usleep(50000);
}

static void exit_pidns_populated(void)
{
	finish(child(two_in_pidns, end_inner));
}

static void nsfd_close_netns(void)
{
	pid_t pid = child(own_netns, NULL);
	char path[60], c = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = check(open(path, O_RDONLY), path);
	if (write(pipes[0][1], &c, 1) != 1)
		perror("write");
	waitpid(pid, NULL, 0);
	waited = 2;
	close_it(fd);
}

static void shm_rmid(void)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	begin();
	shmctl(id, IPC_RMID, NULL);
	end();
}

static void shmdt_last(void)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	void *map = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL);
	begin();
	shmdt(map);
	end();
}

static void sem_rmid(void)
{
	int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);

	begin();
	semctl(id, 0, IPC_RMID);
	end();
}

static void undo(void)
{
	struct sembuf one = { 0, 1, SEM_UNDO };

	check(semop(kept, &one, 1), "semop");
}

static void exit_semundo(void)
{
	kept = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	finish(child(undo, NULL));
	semctl(kept, 0, IPC_RMID);
}

static void attach(void)
{
	if (shmat(kept, NULL, 0) == (void *)-1)
		perror("shmat");
	shmctl(kept, IPC_RMID, NULL);
}

static void exit_shm(void)
{
	kept = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	finish(child(attach, NULL));
}

static void mq_unlink_it(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	int fd = syscall(SYS_mq_open, "queue", O_CREAT | O_RDWR, 0600, &attr);

	close(check(fd, "mq_open"));
	begin();
	syscall(SYS_mq_unlink, "queue");
	end();
}

/* ---- sockets and interfaces ---- */

static struct sockaddr_in somewhere = { .sin_family = AF_INET };

static void udp_close(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	somewhere.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	somewhere.sin_port = htons(7011);
	check(bind(fd, (void *)&somewhere, sizeof(somewhere)), "bind");
	close_it(fd);
}

static int listening(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	somewhere.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	somewhere.sin_port = htons(port);
	check(bind(fd, (void *)&somewhere, sizeof(somewhere)), "bind");
	listen(fd, 4);
	return fd;
}

static void tcp_listen_close(void)
{
	close_it(listening(7012));
}

static void tcp_close_abort(void)
{
	struct linger now = { 1, 0 };
	int server = listening(7013), fd = socket(AF_INET, SOCK_STREAM, 0), other;

	check(connect(fd, (void *)&somewhere, sizeof(somewhere)), "connect");
	other = accept(server, NULL, NULL);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close_it(fd);
	close(other);
	close(server);
}

static void tcp6_close(void)
{
	close_it(check(socket(AF_INET6, SOCK_STREAM, 0), "inet6"));
}

static void unix_close(void)
{
	struct sockaddr_un name = { AF_UNIX, "/tmp/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink("/tmp/socket");
	check(bind(fd, (void *)&name, sizeof(name)), "bind");
	close_it(fd);
}

static void packet_close(void)
{
	close_it(check(socket(AF_PACKET, SOCK_RAW, htons(3)), "packet"));
}

static void netlink_close(void)
{
	close_it(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
}

static void raw_close(void)
{
	close_it(check(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "raw"));
}

static void multicast_close(void)
{
	struct ip_mreqn group = { { htonl(0xe0000105) }, { htonl(INADDR_LOOPBACK) }, 1 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	check(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), "join");
	close_it(fd);
}

static void filter_close(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog program = { 1, &all };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	check(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), "filter");
	close_it(fd);
}

static void alg_close(void)
{
	struct sockaddr_alg name = { AF_ALG, "hash", 0, 0, "crc32c" };
	int fd = check(socket(AF_ALG, SOCK_SEQPACKET, 0), "AF_ALG");

	check(bind(fd, (void *)&name, sizeof(name)), "bind");
	close_it(fd);
}

static void sctp_close(void)
{
	close_it(check(socket(AF_INET, SOCK_STREAM, 132), "sctp"));
}

static void kcm_close(void)
{
	close_it(check(socket(41, SOCK_DGRAM, 0), "kcm"));
}

static void xdp_close(void)
{
	close_it(check(socket(44, SOCK_RAW, 0), "xdp"));
}

static void mptcp_close(void)
{
	close_it(check(socket(AF_INET, SOCK_STREAM, 262), "mptcp"));
}

static int tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = check(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "tun");

	strcpy(request.ifr_name, name);
	check(ioctl(fd, TUNSETIFF, &request), "TUNSETIFF");
	return fd;
}

static void tun_close(void)
{
	waited = 1;
	close_it(tun("tap7"));
}

static void after_link(const char *make, const char *take)
{
	run(make);
	waited = 1;
	begin();
	run(take);
	end();
}

static void link_del_dummy(void)
{
	after_link("ip link add d1 type dummy && ip link set d1 up", "ip link del d1");
}

static void link_del_veth(void)
{
	after_link("ip link add v1 type veth && ip link set v1 up", "ip link del v1");
}

static void link_del_bridge(void)
{
	after_link("ip link add d2 type dummy && brctl addbr b1 && brctl addif b1 d2 && ip link set b1 up",
		   "ip link set b1 down; brctl delbr b1; ip link del d2");
}

static void bridge_port_del(void)
{
	run("ip link add d3 type dummy && brctl addbr b2 && brctl addif b2 d3");
	begin();
	run("brctl delif b2 d3");
	end();
	run("brctl delbr b2; ip link del d3");
}

static void link_del_vlan(void)
{
	after_link("ip link add d4 type dummy && ip link add link d4 name d4.5 type vlan id 5",
		   "ip link del d4.5");
	run("ip link del d4");
}

static void link_del_macvlan(void)
{
	after_link("ip link add d5 type dummy && ip link add link d5 name m5 type macvlan",
		   "ip link del m5");
	run("ip link del d5");
}

static void link_del_sit(void)
{
	after_link("ip tunnel add s1 mode sit local 127.0.0.1", "ip tunnel del s1");
}

static void link_down(void)
{
	run("ip link add d6 type dummy && ip addr add 10.9.0.1/24 dev d6 && ip link set d6 up");
	begin();
	run("ip link set d6 down");
	end();
	run("ip link del d6");
}

static void route_del(void)
{
	run("ip link add d8 type dummy && ip addr add 10.8.0.1/24 dev d8 && ip link set d8 up"
	    " && ip route add 10.8.1.0/24 dev d8");
	begin();
	run("ip route del 10.8.1.0/24 dev d8; ip addr del 10.8.0.1/24 dev d8");
	end();
	run("ip link del d8");
}

static void vhost_close(void)
{
	int fd = check(open("/dev/vhost-net", O_RDWR), "vhost-net");

	check(ioctl(fd, VHOST_SET_OWNER, 0), "VHOST_SET_OWNER");
	close_it(fd);
}

/* ---- devices ---- */

static void pty_close(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY), other;

	grantpt(fd);
	unlockpt(fd);
	other = open(ptsname(fd), O_RDWR | O_NOCTTY);
	close(other);
	close_it(fd);
}

static void hold_tty(void)
{
	int fd, other;

	setsid();
	fd = posix_openpt(O_RDWR | O_NOCTTY);
	unlockpt(fd);
	other = open(ptsname(fd), O_RDWR);
	(void)other;
}

static void exit_ctty(void)
{
	finish(child(hold_tty, NULL));
}

static void uinput_close(void)
{
	struct uinput_setup setup = { .name = "lamp" };
	int fd = check(open("/dev/uinput", O_RDWR), "uinput");

	ioctl(fd, UI_SET_EVBIT, EV_KEY);
	ioctl(fd, UI_SET_KEYBIT, KEY_A);
	check(ioctl(fd, UI_DEV_SETUP, &setup), "UI_DEV_SETUP");
	check(ioctl(fd, UI_DEV_CREATE), "UI_DEV_CREATE");
	close_it(fd);
}

static void configfs_rmdir(void)
{
	mkdir("/mnt/c", 0700);
	mount("c", "/mnt/c", "configfs", 0, NULL);
	check(mkdir("/mnt/c/nullb/one", 0700), "mkdir nullb");
	begin();
	check(rmdir("/mnt/c/nullb/one"), "rmdir");
	end();
}

static void unbind_platform(void)
{
	begin();
	write_to("/sys/bus/platform/drivers/pcspkr/unbind", "pcspkr");
	end();
}

static void pci_remove(void)
{
	begin();
	write_to("/sys/bus/pci/devices/0000:00:01.0/remove", "1");
	end();
}

static void kprobe_remove(void)
{
	write_to("/sys/kernel/tracing/kprobe_events", "p:own/gone ksys_sync_helper");
	begin();
	{
		int fd = open("/sys/kernel/tracing/kprobe_events", O_WRONLY | O_APPEND);

		check(write(fd, "-:own/gone", 10), "kprobe_events");
		close(fd);
	}
	end();
}

static void instance_rmdir(void)
{
	mkdir("/sys/kernel/tracing/instances/other", 0700);
	begin();
	check(rmdir("/sys/kernel/tracing/instances/other"), "rmdir");
	end();
}

/* ---- io_uring, bpf, keys, cgroups, memory ---- */

static int ring(void)
{
	struct io_uring_params params = { 0 };

	return check(syscall(SYS_io_uring_setup, 4, &params), "io_uring_setup");
}

static void io_uring_close(void)
{
	close_it(ring());
}

static void io_uring_regfile_unregister(void)
{
	int fd = ring(), file = file_on("/tmp", 1);

	check(syscall(SYS_io_uring_register, fd, 2 /* files */, &file, 1), "register");
	close(file);
	begin();
	check(syscall(SYS_io_uring_register, fd, 3, NULL, 0), "unregister");
	end();
	close(fd);
}

static void io_uring_regfile_close(void)
{
	int fd = ring(), file = file_on("/tmp", 1);

	check(syscall(SYS_io_uring_register, fd, 2, &file, 1), "register");
	close(file);
	close_it(fd);
}

static void io_uring_buffers_unregister(void)
{
	static char page[8192] __attribute__((aligned(4096)));
	struct iovec one = { page, 4096 };
	int fd = ring();

	page[0] = 1;
	check(syscall(SYS_io_uring_register, fd, 0 /* buffers */, &one, 1), "register");
	begin();
	check(syscall(SYS_io_uring_register, fd, 1, NULL, 0), "unregister");
	end();
	close(fd);
}

static void io_uring_eventfd_unregister(void)
{
	int fd = ring(), event = eventfd(0, 0);

	check(syscall(SYS_io_uring_register, fd, 4, &event, 1), "register");
	begin();
	check(syscall(SYS_io_uring_register, fd, 5, NULL, 0), "unregister");
	end();
	close(fd);
	close(event);
}

static void with_ring(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10 };

	check(syscall(SYS_io_uring_setup, 4, &params), "SQPOLL");
}

static void exit_ring(void)
{
	finish(child(with_ring, NULL));
}

static int bpf(int command, union bpf_attr *attr, size_t size)
{
	return syscall(SYS_bpf, command, attr, size);
}

static int bpf_prog(int type)
{
	struct bpf_insn body[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { 0 };

	attr.prog_type = type;
	attr.insns = (unsigned long)body;
	attr.insn_cnt = 2;
	attr.license = (unsigned long)"GPL";
	return check(bpf(BPF_PROG_LOAD, &attr, sizeof(attr)), "BPF_PROG_LOAD");
}

static void bpf_prog_close(void)
{
	close_it(bpf_prog(BPF_PROG_TYPE_SOCKET_FILTER));
}

static void bpf_map_close(void)
{
	union bpf_attr attr = { 0 };

	attr.map_type = BPF_MAP_TYPE_HASH;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 4;
	close_it(check(bpf(BPF_MAP_CREATE, &attr, sizeof(attr)), "BPF_MAP_CREATE"));
}

static int bpf_link(void)
{
	union bpf_attr attr = { 0 };
	int group, fd;

	mkdir("/sys/fs/cgroup/bpf", 0700);
	group = check(open("/sys/fs/cgroup/bpf", O_RDONLY | O_DIRECTORY), "cgroup");
	attr.link_create.prog_fd = bpf_prog(BPF_PROG_TYPE_CGROUP_SKB);
	attr.link_create.target_fd = group;
	attr.link_create.attach_type = BPF_CGROUP_INET_INGRESS;
	fd = check(bpf(BPF_LINK_CREATE, &attr, sizeof(attr)), "BPF_LINK_CREATE");
	close(attr.link_create.prog_fd);
	close(group);
	return fd;
}

static void bpf_link_close(void)
{
	close_it(bpf_link());
}

static void bpf_xdp_link_close(void)
{
	union bpf_attr attr = { 0 };

	attr.link_create.prog_fd = bpf_prog(BPF_PROG_TYPE_XDP);
	attr.link_create.target_ifindex = 1;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = 2; /* generic */
	close_it(check(bpf(BPF_LINK_CREATE, &attr, sizeof(attr)), "BPF_LINK_CREATE xdp"));
}

static void cgroup_rmdir(void)
{
	mkdir("/sys/fs/cgroup/one", 0700);
	begin();
	check(rmdir("/sys/fs/cgroup/one"), "rmdir");
	end();
}

static void psi_close(void)
{
	int fd = check(open("/proc/pressure/memory", O_RDWR), "pressure");

	if (write(fd, "some 150000 1000000", 20) < 0)
		perror("psi");
	close_it(fd);
}

static void key_unlink(void)
{
	int key = check(syscall(SYS_add_key, "user", "lamp", "x", 1, KEY_SPEC_PROCESS_KEYRING), "key");

	begin();
	syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_PROCESS_KEYRING);
	end();
}

static void key_revoke(void)
{
	int key = check(syscall(SYS_add_key, "user", "lamp2", "x", 1, KEY_SPEC_PROCESS_KEYRING), "key");

	begin();
	syscall(SYS_keyctl, KEYCTL_REVOKE, key);
	end();
}

static void key_invalidate(void)
{
	int key = check(syscall(SYS_add_key, "user", "lamp3", "x", 1, KEY_SPEC_PROCESS_KEYRING), "key");

	begin();
	syscall(SYS_keyctl, KEYCTL_INVALIDATE, key);
	end();
}

static void keyring_clear(void)
{
	check(syscall(SYS_add_key, "user", "lamp4", "x", 1, KEY_SPEC_PROCESS_KEYRING), "key");
	begin();
	syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_PROCESS_KEYRING);
	end();
}

static void mlock_exit(void)
{
	static char page[4096] __attribute__((aligned(4096)));

	check(mlock(page, sizeof(page)), "mlock");
	page[0] = 1;
}

static void exit_locked_memory(void)
{
	finish(child(mlock_exit, NULL));
}

static void setup_aio(void)
{
	unsigned long context = 0;

	check(syscall(SYS_io_setup, 4, &context), "io_setup");
}

static void exit_with_aio(void)
{
	finish(child(setup_aio, NULL));
}

static void aio_destroy(void)
{
	unsigned long context = 0;

	check(syscall(SYS_io_setup, 4, &context), "io_setup");
	begin();
	syscall(SYS_io_destroy, context);
	end();
}

/* ---- drops: a module drops what it was given, in the context that it was told ---- */

static void say_drop(const char *text)
{
	int fd = check(open("/proc/drops", O_WRONLY | O_CLOEXEC), "/proc/drops");

	check(write(fd, text, strlen(text)), text);
	close(fd);
}

static void take_own(const char *what)
{
	char line[60];

	snprintf(line, sizeof(line), "take %s 0", what);
	say_drop(line);
}

static const char *taken;

static void take_in_child(void)
{
	if (!strcmp(taken, "put_net"))
		own_netns();
	if (!strcmp(taken, "put_ipc_ns"))
		own_ipcns();
	if (!strcmp(taken, "put_user_ns"))
		own_userns();
	if (!strcmp(taken, "put_mnt_ns"))
		own_mntns();
	if (!strcmp(taken, "put_files_struct"))
		hold_file();
	if (!strcmp(taken, "put_pid_ns")) {
		check(unshare(CLONE_NEWPID), "unshare");
		if (fork() == 0) {
			take_own(taken);
			_exit(0);
		}
		wait(NULL);
		return;
	}
	take_own(taken);
}

static void drop_one(const char *what, const char *how)
{
	static const char *const from_child[] = { "put_net", "put_ipc_ns", "put_user_ns",
						  "put_mnt_ns", "put_pid_ns", "mmput", "mmput_async",
						  "put_task_struct", "put_files_struct" };
	char line[60];
	unsigned int i;

	waited = 1;
	for (i = 0; i < sizeof(from_child) / sizeof(*from_child); i++) {
		if (strcmp(what, from_child[i]))
			continue;
		{
			char c = 0;
			pid_t pid;

			taken = what;
			pid = child(take_in_child, NULL);
			if (write(pipes[0][1], &c, 1) != 1)
				perror("write");
			waitpid(pid, NULL, 0);
			close(pipes[0][1]);
			close(pipes[1][0]);
			usleep(300000);
			goto drop;
		}
	}
	if (!strcmp(what, "mntput") || !strcmp(what, "path_put") || !strcmp(what, "dput") ||
	    !strcmp(what, "iput") || !strcmp(what, "deactivate_super")) {
		int whole = strcmp(what, "dput") && strcmp(what, "iput");
		int fd;

		if (whole)
			mounted(MNT);
		fd = whole ? open(MNT, O_RDONLY) : file_on("/tmp", 0);
		snprintf(line, sizeof(line), "take %s %d", what, fd);
		say_drop(line);
		close(fd);
		if (whole)
			umount2(MNT, MNT_DETACH);
		else
			unlink("/tmp/file");
	} else if (!strcmp(what, "fput") || !strcmp(what, "__fput_sync") ||
		   !strcmp(what, "filp_close")) {
		int fd = file_on("/tmp", 1);

		snprintf(line, sizeof(line), "take %s %d", what, fd);
		say_drop(line);
		close(fd);
	} else if (!strncmp(what, "bpf_", 4)) {
		union bpf_attr attr = { 0 };
		int fd;

		attr.map_type = BPF_MAP_TYPE_HASH;
		attr.key_size = attr.value_size = attr.max_entries = 4;
		fd = strstr(what, "prog") ? bpf_prog(BPF_PROG_TYPE_SOCKET_FILTER)
		     : strstr(what, "link") ? bpf_link() : bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
		snprintf(line, sizeof(line), "take %s %d", what, fd);
		say_drop(line);
		close(fd);
		usleep(300000);
	} else {
		take_own(what);
	}
drop:
	snprintf(line, sizeof(line), "drop %s", how);
	{
		int fd = check(open("/proc/drops", O_WRONLY | O_CLOEXEC), "/proc/drops");

		begin();
		check(write(fd, line, strlen(line)), line);
		end();
		close(fd);
	}
}

#define W(name) { #name, name }
static const struct workload {
	const char *name;
	void (*run)(void);
} all[] = {
	W(close_unlinked), W(close_locked), W(close_range_unlinked), W(dup2_over_last),
	W(memfd_close), W(munmap_unlinked), W(exit_lastfile), W(exec_cloexec), W(exec_task),
	W(scm_queued_close), W(scm_recv_discard), W(unix_gc_close), W(epoll_close),
	W(epoll_target_close), W(pipe_close), W(timerfd_close), W(inotify_close), W(inotify_rm),
	W(inotify_unlink), W(dnotify_close), W(fanotify_close), W(userfaultfd_close), W(perf_close),
	W(perf_buffer_close), W(pidfd_close), W(lease_close), W(unlink_tmpfs), W(unlink_ext4),
	W(rename_over), W(truncate_ext4), W(rmdir_tmpfs), W(drop_caches), W(acct_off),
	W(freeze_thaw), W(umount_ext4), W(umount_detach), W(umount_detach_busyfile),
	W(umount_force), W(expire_mount), W(umount_tmpfs), W(umount_overlay),
	W(umount_overlay_lower), W(umount_fuse), W(fuse_dev_close), W(umount_nfsd),
	W(umount_bind), W(mount_fails), W(remount_ro), W(fsmount_close),
	W(fscontext_close), W(opentree_close), W(chdir_detached), W(exit_cwd_detached),
	W(exit_root_detached), W(exit_mntns), W(setns_away_mntns), W(loop_clear),
	W(loop_close_autoclear), W(loop_remove), W(bdev_close), W(swap_off), W(zram_remove), W(exit_task), W(exit_thread), W(exit_loaded), W(exit_netns),
	W(exit_ipcns), W(exit_userns), W(exit_utsns), W(exit_cgroupns), W(exit_pidns),
	W(exit_pidns_populated), W(nsfd_close_netns), W(shm_rmid), W(shmdt_last), W(sem_rmid),
	W(exit_semundo), W(exit_shm), { "mq_unlink", mq_unlink_it }, W(udp_close),
	W(tcp_listen_close), W(tcp_close_abort), W(tcp6_close), W(unix_close), W(packet_close),
	W(netlink_close), W(raw_close), W(multicast_close), W(filter_close), W(alg_close),
	W(sctp_close), W(kcm_close), W(xdp_close), W(mptcp_close), W(tun_close),
	W(link_del_dummy), W(link_del_veth), W(link_del_bridge), W(bridge_port_del),
	W(link_del_vlan), W(link_del_macvlan), W(link_del_sit), W(link_down), 
	W(route_del), W(vhost_close), W(pty_close), W(exit_ctty), W(uinput_close),
	W(configfs_rmdir), W(unbind_platform), W(pci_remove), W(kprobe_remove),
	W(instance_rmdir), W(io_uring_close), W(io_uring_regfile_unregister),
	W(io_uring_regfile_close), W(io_uring_buffers_unregister), W(io_uring_eventfd_unregister),
	W(exit_ring), W(bpf_prog_close), W(bpf_map_close), W(bpf_link_close),
	W(bpf_xdp_link_close), W(cgroup_rmdir), W(psi_close), W(key_unlink), W(key_revoke),
	W(key_invalidate), W(keyring_clear), W(exit_locked_memory), W(exit_with_aio),
	W(aio_destroy), W(rmmod_dummy), W(rmmod_null_blk), W(rmmod_brd), W(scsi_delete), W(rmmod_scsi_debug), W(rmmod_nbd), W(rmmod_vcan), W(rmmod_snd_dummy), W(rmmod_cuse), W(rmmod_dummy_hcd), W(rmmod_ip_tables),
};

static void one(const char *name, void (*work)(void), const char *what, const char *how)
{
	current = name;
	waited = 0;
	probes("1");
	if (work)
		work();
	else
		drop_one(what, how);
	usleep(400000 + 500000 * waited);
	note("done");
	if (write(tracing, "0", 1) != 1)
		perror("tracing_on");
	probes("0");
}

/* Arguments: names of workloads, and WHAT:HOW for drops; none runs all workloads. */
int main(int count, char **names)
{
	unsigned int i;
	int n;

	marker = open(TRACE "trace_marker", O_WRONLY | O_CLOEXEC);
	tracing = open(TRACE "tracing_on", O_WRONLY | O_CLOEXEC);
	if (marker < 0 || tracing < 0) {
		perror(TRACE);
		return 1;
	}
	for (n = 1; n < count; n++) {
		char *colon = strchr(names[n], ':');

		if (colon) {
			char name[80];

			snprintf(name, sizeof(name), "%s", names[n]);
			*colon = 0;
			one(name, NULL, names[n], colon + 1);
			continue;
		}
		for (i = 0; i < sizeof(all) / sizeof(*all); i++)
			if (!strcmp(all[i].name, names[n]))
				break;
		if (i == sizeof(all) / sizeof(*all))
			printf("no workload %s\n", names[n]);
		else
			one(all[i].name, all[i].run, NULL, NULL);
	}
	if (count == 1)
		for (i = 0; i < sizeof(all) / sizeof(*all); i++)
			one(all[i].name, all[i].run, NULL, NULL);
	return 0;
}
