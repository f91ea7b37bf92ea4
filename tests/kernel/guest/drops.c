// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes a reference and drops it again in the context that it is told:
 *
 *	echo "take NAME FD" > /proc/drops
 *	echo "drop CONTEXT" > /proc/drops
 *
 * Contexts: task, taskwork, work, workflush, dwork, rcuwork, rcu, timer, kthread.
 */
#include <linux/blkdev.h>
#include <linux/bpf.h>
#include <linux/cdev.h>
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/etherdevice.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/ipc_namespace.h>
#include <linux/kobject.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/platform_device.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/task_work.h>
#include <linux/user_namespace.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/sock.h>

static void *address(const char *name)
{
	struct kprobe probe = { .symbol_name = name };
	void *found;

	if (register_kprobe(&probe))
		return NULL;
	found = probe.addr;
	unregister_kprobe(&probe);
	return found;
}

/* what was taken, and the function that drops it */
static void *object;
static struct path path;
static void (*release)(void);
static void (*plain)(void *);
static int pins;
static struct vfsmount *pinned;
static struct miscdevice misc = { .minor = MISC_DYNAMIC_MINOR, .name = "drops_misc" };
static const struct file_operations no_operations = { .owner = THIS_MODULE };

static void call_plain(void) { plain(object); }
static void drop_fput(void) { fput(object); }
static void drop_filp_close(void) { filp_close(object, NULL); }
static void drop_mntput(void) { mntput(object); }
static void drop_path_put(void) { path_put(&path); }
static void drop_dput(void) { dput(object); }
static void drop_iput(void) { iput(object); }
static void drop_deactivate_super(void) { deactivate_super(object); }
static void drop_sock_release(void) { sock_release(object); }
static void drop_mmput(void) { mmput(object); }
static void drop_kern_unmount(void) { kern_unmount(object); }
static void drop_simple_release_fs(void) { simple_release_fs(&pinned, &pins); }
static void drop_put_net(void) { put_net(object); }
static void drop_put_user_ns(void) { put_user_ns(object); }
static void drop_put_task_struct(void) { put_task_struct(object); }
static void drop_vfree(void) { vfree(object); }
static void drop_device_unregister(void) { root_device_unregister(object); }
static void drop_unregister_netdev(void) { unregister_netdev(object); free_netdev(object); }
static void drop_misc_deregister(void) { misc_deregister(&misc); }
static void drop_proc_remove(void) { proc_remove(object); }
static void drop_debugfs_remove(void) { debugfs_remove(object); }
static void drop_platform_device_unregister(void) { platform_device_unregister(object); }
static void drop_kobject_put(void) { kobject_put(object); }
static void drop_class_destroy(void) { class_destroy(object); }
static void drop_destroy_workqueue(void) { destroy_workqueue(object); }
static void drop_unregister_chrdev(void) { unregister_chrdev((long)object, "drops_chr"); }
static void drop_kset_unregister(void) { kset_unregister(object); }

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
static void drop_blkdev_put(void) { blkdev_put(object, FMODE_READ | FMODE_EXCL); }
#else
static void drop_blkdev_put(void) { bdev_fput(object); }
#endif

static int take(const char *what, int fd)
{
	struct file *file = fd ? fget(fd) : NULL;
	int error = 0;

	object = NULL;
	plain = NULL;
	release = call_plain;
	if (!strcmp(what, "fput") || !strcmp(what, "__fput_sync") || !strcmp(what, "filp_close")) {
		object = file;
		if (!strcmp(what, "__fput_sync"))
			plain = address("__fput_sync");
		else
			release = strcmp(what, "fput") ? drop_filp_close : drop_fput;
		return object ? 0 : -EBADF;
	}
	if (!strcmp(what, "mntput")) {
		object = mntget(file->f_path.mnt);
		release = drop_mntput;
	} else if (!strcmp(what, "path_put")) {
		path = file->f_path;
		path_get(&path);
		object = &path;
		release = drop_path_put;
	} else if (!strcmp(what, "dput")) {
		object = dget(file->f_path.dentry);
		release = drop_dput;
	} else if (!strcmp(what, "iput")) {
		ihold(file_inode(file));
		object = file_inode(file);
		release = drop_iput;
	} else if (!strcmp(what, "deactivate_super")) {
		object = file->f_path.mnt->mnt_sb;
		atomic_inc(&file->f_path.mnt->mnt_sb->s_active);
		release = drop_deactivate_super;
	} else if (!strcmp(what, "bpf_prog_put") || !strcmp(what, "bpf_map_put") ||
		   !strcmp(what, "bpf_link_put")) {
		/* the reference of the file is kept over its end: its count is one too high */
		plain = address(what);
		object = file->private_data;
		if (!strcmp(what, "bpf_prog_put"))
			atomic64_inc(&((struct bpf_prog *)object)->aux->refcnt);
		else if (!strcmp(what, "bpf_map_put"))
			atomic64_inc(&((struct bpf_map *)object)->refcnt);
		else
			atomic64_inc((atomic64_t *)object);
	} else if (!strcmp(what, "sock_release")) {
		struct socket *sock = NULL;

		error = sock_create_kern(&init_net, AF_INET, SOCK_DGRAM, 0, &sock);
		object = sock;
		release = drop_sock_release;
	} else if (!strcmp(what, "blkdev_put") || !strcmp(what, "bdev_fput")) {
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
		object = blkdev_get_by_path("/dev/loop0", FMODE_READ | FMODE_EXCL, &release);
#else
		object = bdev_file_open_by_path("/dev/loop0", BLK_OPEN_READ, &release, NULL);
#endif
		release = drop_blkdev_put;
	} else if (!strcmp(what, "mmput") || !strcmp(what, "mmput_async")) {
		object = get_task_mm(current);
		release = drop_mmput;
		if (strcmp(what, "mmput")) {
			release = call_plain;
			plain = address("mmput_async");
		}
	} else if (!strcmp(what, "put_net")) {
		object = get_net(current->nsproxy->net_ns);
		release = drop_put_net;
	} else if (!strcmp(what, "put_ipc_ns")) {
		object = current->nsproxy->ipc_ns;
		refcount_inc(&current->nsproxy->ipc_ns->ns.count);
		plain = address("put_ipc_ns");
	} else if (!strcmp(what, "put_user_ns")) {
		object = get_user_ns(current_user_ns());
		release = drop_put_user_ns;
	} else if (!strcmp(what, "put_pid_ns")) {
		object = get_pid_ns(task_active_pid_ns(current));
		plain = address("put_pid_ns");
	} else if (!strcmp(what, "put_mnt_ns")) {
		/* the count is the first refcount of the namespace's common part */
		object = current->nsproxy->mnt_ns;
		refcount_inc(&((struct ns_common *)object)->count);
		plain = address("put_mnt_ns");
	} else if (!strcmp(what, "put_task_struct")) {
		object = get_task_struct(current);
		release = drop_put_task_struct;
	} else if (!strcmp(what, "put_files_struct")) {
		object = current->files;
		atomic_inc(&current->files->count);
		plain = address("put_files_struct");
	} else if (!strcmp(what, "vfree")) {
		object = vmalloc(8192);
		release = drop_vfree;
	} else if (!strcmp(what, "kern_unmount")) {
		object = kern_mount(get_fs_type("tmpfs"));
		release = drop_kern_unmount;
	} else if (!strcmp(what, "simple_release_fs")) {
		pinned = NULL;
		pins = 0;
		error = simple_pin_fs(get_fs_type("tmpfs"), &pinned, &pins);
		object = pinned;
		release = drop_simple_release_fs;
	} else if (!strcmp(what, "put_fs_context")) {
		struct fs_context *context = fs_context_for_mount(get_fs_type("tmpfs"), 0);

		error = IS_ERR(context) ? PTR_ERR(context) : vfs_get_tree(context);
		if (!error)
			up_write(&context->root->d_sb->s_umount);
		object = context;
		plain = address("put_fs_context");
	} else if (!strcmp(what, "device_unregister")) {
		object = root_device_register("drops_device");
		release = drop_device_unregister;
	} else if (!strcmp(what, "unregister_netdev")) {
		struct net_device *device = alloc_etherdev(0);
		static const struct net_device_ops none;

		device->netdev_ops = &none;
		eth_hw_addr_random(device);
		error = register_netdev(device);
		object = device;
		release = drop_unregister_netdev;
	} else if (!strcmp(what, "misc_deregister")) {
		misc.fops = &no_operations;
		error = misc_register(&misc);
		object = &misc;
		release = drop_misc_deregister;
	} else if (!strcmp(what, "proc_remove")) {
		object = proc_mkdir("drops_folder", NULL);
		release = drop_proc_remove;
	} else if (!strcmp(what, "debugfs_remove")) {
		object = debugfs_create_dir("drops_folder", NULL);
		release = drop_debugfs_remove;
	} else if (!strcmp(what, "platform_device_unregister")) {
		object = platform_device_register_simple("drops_platform", -1, NULL, 0);
		release = drop_platform_device_unregister;
	} else if (!strcmp(what, "kobject_put")) {
		object = kobject_create_and_add("drops_kobject", NULL);
		release = drop_kobject_put;
	} else if (!strcmp(what, "kset_unregister")) {
		object = kset_create_and_add("drops_kset", NULL, NULL);
		release = drop_kset_unregister;
	} else if (!strcmp(what, "class_destroy")) {
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
		object = class_create(THIS_MODULE, "drops_class");
#else
		object = class_create("drops_class");
#endif
		release = drop_class_destroy;
	} else if (!strcmp(what, "destroy_workqueue")) {
		object = alloc_workqueue("drops_queue", 0, 0);
		release = drop_destroy_workqueue;
	} else if (!strcmp(what, "unregister_chrdev")) {
		object = (void *)(long)register_chrdev(0, "drops_chr", &no_operations);
		release = drop_unregister_chrdev;
	} else {
		error = -EINVAL;
	}
	if (file)
		fput(file);
	if (!error && (IS_ERR_OR_NULL(object) || (release == call_plain && !plain)))
		error = -ENOENT;
	if (error)
		object = NULL;
	return error;
}

static struct workqueue_struct *queue;
static struct work_struct work;
static struct delayed_work dwork;
static struct rcu_work rwork;
static struct rcu_head head;
static struct timer_list timer;
static struct callback_head task_item;

static void work_fn(struct work_struct *unused) { release(); }
static void dwork_fn(struct work_struct *unused) { release(); }
static void rwork_fn(struct work_struct *unused) { release(); }
static void rcu_fn(struct rcu_head *unused) { release(); }
static void timer_fn(struct timer_list *unused) { release(); }
static void task_fn(struct callback_head *unused) { release(); }
static int thread_fn(void *unused) { release(); return 0; }

static int drop(const char *how)
{
	static int (*add)(struct task_struct *, struct callback_head *, enum task_work_notify_mode);

	if (!object)
		return -ENOENT;
	if (!strcmp(how, "task")) {
		release();
	} else if (!strcmp(how, "taskwork")) {
		add = address("task_work_add");
		if (!add)
			return -ENOENT;
		init_task_work(&task_item, task_fn);
		return add(current, &task_item, TWA_RESUME);
	} else if (!strcmp(how, "work")) {
		queue_work(queue, &work);
	} else if (!strcmp(how, "workflush")) {
		queue_work(queue, &work);
		flush_work(&work);
	} else if (!strcmp(how, "dwork")) {
		queue_delayed_work(queue, &dwork, 2);
	} else if (!strcmp(how, "rcuwork")) {
		queue_rcu_work(queue, &rwork);
	} else if (!strcmp(how, "rcu")) {
		call_rcu(&head, rcu_fn);
	} else if (!strcmp(how, "timer")) {
		mod_timer(&timer, jiffies + 2);
	} else if (!strcmp(how, "kthread")) {
		kthread_run(thread_fn, NULL, "drops");
	} else {
		return -EINVAL;
	}
	return 0;
}

static ssize_t drops_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	char line[64], verb[8], word[40];
	int fd = 0, error;

	if (size >= sizeof(line) || copy_from_user(line, from, size))
		return -EINVAL;
	line[size] = 0;
	if (sscanf(line, "%7s %39s %d", verb, word, &fd) < 2)
		return -EINVAL;
	error = strcmp(verb, "take") ? drop(word) : take(word, fd);
	return error ? error : size;
}

static const struct proc_ops operations = { .proc_write = drops_write };

static int __init drops_init(void)
{
	queue = alloc_workqueue("drops", WQ_UNBOUND, 0);
	INIT_WORK(&work, work_fn);
	INIT_DELAYED_WORK(&dwork, dwork_fn);
	INIT_RCU_WORK(&rwork, rwork_fn);
	timer_setup(&timer, timer_fn, 0);
	return proc_create("drops", 0200, NULL, &operations) ? 0 : -ENOMEM;
}

static void __exit drops_exit(void)
{
	remove_proc_entry("drops", NULL);
	destroy_workqueue(queue);
}

module_init(drops_init);
module_exit(drops_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("drops references in a chosen context");
