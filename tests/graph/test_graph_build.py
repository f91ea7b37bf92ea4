"""Calls, bindings, deferral edges and hand-offs of one side."""

from __future__ import annotations

from graph_kit import PATH, edges, function, graph


def bindings(of):
    return {(b.registration.name, b.callback) for b in of.bindings}


def test_a_call_binds_and_an_activation_elsewhere_finds_it():
    built = graph("""\
static void lamp_gone(struct work_struct *work)
{
	fput(lamp);
}

int lamp_open(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
	return 0;
}

void lamp_close(struct lamp *l)
{
	queue_work(lamp_wq, &l->work);
}
""")
    assert edges(built) == [("lamp_close", "queue_work", "lamp_gone")]
    edge = built.deferrals_of(function(built, "lamp_close"))[0]
    assert (edge.context, edge.guarantee, edge.queue) == ("workqueue", "eventually", "lamp_wq")
    assert (edge.line, edge.keeps, edge.waits) == (14, False, False)


def test_a_macro_of_the_file_binds():
    built = graph("""\
static void lamp_gone(struct work_struct *work)
{
}
static DECLARE_WORK(lamp_work, lamp_gone);

void lamp_close(void)
{
	schedule_work(&lamp_work);
}
""")
    assert bindings(built) == {("DECLARE_WORK", "lamp_gone")}
    assert edges(built) == [("lamp_close", "schedule_work", "lamp_gone")]


def test_a_static_initializer_binds():
    built = graph("""\
static void lamp_gone(struct work_struct *work)
{
}

static struct lamp the_lamp = {
	.work = __WORK_INITIALIZER(the_lamp.work, lamp_gone),
};

void lamp_close(void)
{
	schedule_work(&the_lamp.work);
}
""")
    assert edges(built) == [("lamp_close", "schedule_work", "lamp_gone")]


def test_the_container_of_a_callback_binds_where_no_registration_is_shown():
    built = graph("""\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	fput(lamp->file);
}

void lamp_close(struct lamp *lamp)
{
	queue_work(lamp_wq, &lamp->work);
}

void bulb_close(struct bulb *bulb)
{
	queue_work(lamp_wq, &bulb->work);
}
""")
    assert edges(built) == [
        ("lamp_close", "queue_work", "lamp_gone"),
        ("bulb_close", "queue_work", None),
    ]


def test_a_registration_names_its_callback_before_its_container():
    built = graph("""\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	INIT_WORK(&lamp->again, lamp_gone);
}
""")
    assert bindings(built) == {("INIT_WORK", "lamp_gone")}


def test_a_registration_that_activates_is_an_edge():
    built = graph("""\
static void lamp_rcu(struct rcu_head *head)
{
}

void lamp_free(struct lamp *lamp)
{
	call_rcu(&lamp->rcu, lamp_rcu);
}
""")
    edge = built.deferrals[0]
    assert (edge.callback, edge.context) == ("lamp_rcu", "rcu-callback")
    assert edge.guarantee == "after-grace-period"


def test_task_work_keeps_the_promise():
    built = graph("""\
static void lamp_cb(struct callback_head *head)
{
}

void lamp_put(struct lamp *lamp)
{
	init_task_work(&lamp->cb, lamp_cb);
	if (task_work_add(current, &lamp->cb, TWA_RESUME))
		lamp_lost(lamp);
}
""")
    assert [(d.callback, d.keeps, d.context) for d in built.deferrals] == [
        ("lamp_cb", True, "task")
    ]


def test_an_activation_of_something_unbound_is_an_edge_to_nowhere():
    built = graph("void f(struct lamp *l)\n{\n\tschedule_work(&l->work);\n}\n")
    assert edges(built) == [("f", "schedule_work", None)]


DRAIN = """\
static LLIST_HEAD(lamps);

static void lamp_drain(struct work_struct *unused)
{
	struct llist_node *list = llist_del_all(&lamps);
}
static DECLARE_WORK(lamp_work, lamp_drain);

void lamp_put(struct lamp *lamp)
{
	llist_add(&lamp->node, &lamps);
}
"""


def test_a_list_hands_over_to_the_callback_that_drains_it():
    built = graph(DRAIN)
    edge = built.deferrals_of(function(built, "lamp_put"))[0]
    assert (edge.callback, edge.handoff, edge.via) == ("lamp_drain", True, "llist_del_all")
    assert edge.context == "workqueue"


def test_a_list_that_lives_in_the_function_hands_nothing_over():
    local = DRAIN.replace("static LLIST_HEAD(lamps);\n", "").replace(
        "{\n\tllist_add", "{\n\tstruct llist_head lamps;\n\n\tllist_add"
    )
    assert local != DRAIN
    assert edges(graph(local)) == []


def test_a_function_outside_of_deferral_that_walks_the_list_is_no_hand_off():
    assert edges(graph(DRAIN.replace("static DECLARE_WORK(lamp_work, lamp_drain);\n", ""))) == []


TWO = {
    "fs/one.c": "static void end(int a)\n{\n\tfput(f);\n}\n\nvoid one(void)\n{\n\tend(1);\n}\n",
    "fs/two.c": "static void end(int b)\n{\n\tiput(i);\n}\n\nvoid two(void)\n{\n\tend(2);\n}\n",
    "fs/three.c": "void three(void)\n{\n\tend(3);\n}\n",
}


def test_statics_of_two_files_do_not_mix():
    built = graph(TWO)
    assert built.find("end", "fs/one.c").calls[0].callee == "fput"
    assert built.find("end", "fs/two.c").calls[0].callee == "iput"
    assert built.find("end", "fs/three.c") is None
    callers = {
        path: [caller.name for caller, _call in built.callers_of(built.find("end", path))]
        for path in ("fs/one.c", "fs/two.c")
    }
    assert callers == {"fs/one.c": ["one"], "fs/two.c": ["two"]}


def test_one_with_external_linkage_is_found_from_everywhere_but_a_namesake_wins():
    built = graph({**TWO, "fs/all.c": "void end(int c)\n{\n\tdput(d);\n}\n"})
    assert built.find("end", "fs/three.c").path == "fs/all.c"
    assert built.find("end", "fs/one.c").path == "fs/one.c"


def test_of_a_stub_and_the_real_thing_the_real_one_is_taken():
    built = graph(
        {
            "include/lamp.h": "static inline void lamp_put(struct lamp *l)\n{\n}\n",
            "fs/lamp.c": "void lamp_put(struct lamp *l)\n{\n\tfput(l->file);\n}\n",
            "fs/user.c": "void use(struct lamp *l)\n{\n\tlamp_put(l);\n}\n",
        }
    )
    assert built.find("lamp_put", "fs/user.c").path == "fs/lamp.c"
    assert {f.path for f in built.find_all("lamp_put", "fs/user.c")} == {
        "include/lamp.h",
        "fs/lamp.c",
    }


def test_a_stub_beside_its_caller_in_a_header_is_for_another_configuration():
    header = """\
static inline void lamp_put(struct lamp *l)
{
	if (refcount_dec_and_test(&l->ref))
		lamp_free(l);
}

static inline void lamp_free(struct lamp *l)
{
}
"""
    real = {"fs/lamp.c": "void lamp_free(struct lamp *l)\n{\n\tfput(l->file);\n}\n"}
    built = graph({"include/lamp.h": header, **real})
    assert built.find("lamp_free", "include/lamp.h").path == "fs/lamp.c"
    # one that does something is what its header means, and so is a static one of a C file
    does = header.replace("{\n}", "{\n\tlamp_dim(l);\n}")
    assert graph({"include/lamp.h": does, **real}).find("lamp_free", "include/lamp.h").calls
    own = graph({"fs/own.c": header, **real})
    assert own.find("lamp_free", "fs/own.c").path == "fs/own.c"


def test_two_definitions_in_one_file_are_one_function():
    built = graph("""\
#ifdef CONFIG_LAMP
void lamp_put(struct lamp *l)
{
	fput(l->file);
}
#else
void lamp_put(struct lamp *l)
{
	iput(l->inode);
}
#endif
""")
    merged = function(built, "lamp_put")
    assert [call.callee for call in merged.calls] == ["fput", "iput"]
    assert built.by_name["lamp_put"] == [merged]


def test_an_unknown_name_gives_nothing():
    built = graph("void f(void)\n{\n\tg();\n}\n")
    assert built.find("g", PATH) is None
    assert built.find(None, PATH) is None
    assert built.find_all("g", PATH) == []


def test_reach_goes_as_deep_as_it_is_told_and_ends_in_cycles():
    built = graph("""\
void a(void)
{
	b();
}
void b(void)
{
	c();
}
void c(void)
{
	a();
}
""")
    start = function(built, "a")
    assert [f.name for f in built.reach(start, 0)] == ["a"]
    assert [f.name for f in built.reach(start, 1)] == ["a", "b"]
    assert [f.name for f in built.reach(start, 9)] == ["a", "b", "c"]
