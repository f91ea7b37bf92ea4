// SPDX-License-Identifier: GPL-2.0
/*
 * A pool of cups, for tests alone.
 */
#include <linux/slab.h>

#ifdef CONFIG_CUPS
static int cups_left = 4;
#else
#define cups_left 0
#endif

struct cup {
	struct work_struct work;
	struct {
		int handle;
		int size;
	} shape;
	/* protects the tea */
	spinlock_t lock;
	void (*spill)(struct cup *cup,
		      int how_much,
		      bool on_table);
};

enum cup_state {
	CUP_EMPTY,
	CUP_HALF = 3,
	CUP_FULL,
};

static const struct cup_ops cup_default_ops = {
	.owner = THIS_MODULE,
	.fill = cup_fill,
	.nested = {
		.first = 1,
		.second = 2,
	},
	.empty = cup_empty,
};

static int cup_fill(struct cup *cup, int amount)
{
	int err = 0;
	int i;

	if (!cup)
		return -EINVAL;

	spin_lock(&cup->lock);
	for (i = 0;
	     i < amount;
	     i++) {
		if (cup->shape.size < i) {
			err = -ENOSPC;
			goto out_unlock;
		} else if (i == 3) {
			pour(cup, "a \"drop\" { of }",
			     i, amount);
		} else {
			pour(cup, "rest",
			     i, '{');
		}
	}

	do {
		stir(cup);
		i--;
	} while (i > 0);

out_unlock:
	spin_unlock(&cup->lock);
	return err;
}

/**
 * cup_state_name - say how full a cup is
 * @state: the state,
 *	as it was a moment ago
 *
 * Return: a word.
 */
static const char *cup_state_name(enum cup_state state,
				  bool polite,
				  int language)
{
	switch (state) {
	case CUP_EMPTY:
		if (polite)
			return "please";
		return "empty";
	case CUP_HALF: {
		const char *half = language ? "halb"
					    : "half";

		return half;
	}
	default:
		break;
	}
	while (polite &&
	       language--)
		bow(polite ||
		    language);
	return "full";
}

#ifdef CONFIG_CUPS
static void cup_work(struct work_struct *work)
{
	struct cup *cup = container_of_cup(work);

#ifdef CONFIG_CUP_DEBUG
	if (cup->shape.handle)
		report(cup);
#endif
	cup_put(cup);
}
#else
static inline void cup_work(struct work_struct *work)
{
}
#endif

static int
cup_table_lookup(
	struct cup	*cup,
	int		which)
{
	static const int table[] = {
		1, 2, 3,
		4, 5, 6,
	};
	int total = table[which] +
		    table[0];

	return total;
}

void cup_empty(struct cup *cup)
{
	queue_work(system_wq, &cup->work);
}
EXPORT_SYMBOL_GPL(cup_empty);

MODULE_LICENSE("GPL");
