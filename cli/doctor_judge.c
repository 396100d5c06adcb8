#include "doctor.h"

static const char RUN_IT[] = "start it with `roundabout run`, or with LD_PRELOAD=/path/to/libroundabout.so";
static const char NO_CURE[] =
    "none: there is nothing to intercept; use a client that is linked to libmariadb or libmysqlclient";

static struct doctor_judgement bypasses(const char *why, const char *cure) {
    return (struct doctor_judgement){DOCTOR_BYPASSES, why, cure};
}

static struct doctor_judgement unknown(const char *why, const char *cure) {
    return (struct doctor_judgement){DOCTOR_UNKNOWN, why, cure};
}

/* What speaks against it whatever it loads. The verdict DOCTOR_UNKNOWN: nothing. */
static struct doctor_judgement judge_file(const struct doctor_facts *facts) {
    if (facts->is_foreign)
        return bypasses("it is built for another machine or word size than libroundabout.so",
                        "build libroundabout.so for that machine, too, and preload that one");
    if (facts->is_static)
        return bypasses("static client or none: the program is linked statically and loads no library",
                        NO_CURE);
    if (facts->has_other_libc)
        return bypasses("its C library is not glibc, which libroundabout.so is built for",
                        "build libroundabout.so against that C library, or run the program on glibc");
    if (facts->raised_rights && !facts->is_preloaded)
        return bypasses("it runs with raised rights, so the dynamic linker drops LD_PRELOAD",
                        "run a copy without these rights (systemd's AmbientCapabilities= gives them without dropping the "
                        "preload), or name libroundabout.so in /etc/ld.so.preload");
    return unknown("", NULL);
}

/* A client that is not a library of its own. */
static struct doctor_judgement judge_no_client(const struct doctor_facts *facts) {
    if (facts->is_php_native)
        return bypasses("PHP's mysqlnd speaks to the server itself; no client library is loaded",
                        "none: mysqlnd can't be intercepted");
    if (facts->has_own_client)
        return bypasses("static client: the client is linked into the program itself, no dynamic client "
                        "library is loaded, "
                        "and so its calls can't be intercepted",
                        NO_CURE);
    if (facts->asks_by_name)
        return bypasses("it looks the client library's functions up by name (dlopen and dlsym), past "
                        "whatever is preloaded",
                        "link it to the client library, or use another driver");
    return unknown(
        facts->is_process ? "no client library is loaded now; a program of this kind may load one later"
        : facts->is_interpreted
            ? "none of the drivers known for this language is found linked to a client library"
            : "it is linked to no client library; it may load one, or a module that has one, while it runs",
        facts->is_process ? "ask again once it has used MySQL"
                          : "start it, let it use MySQL, and ask again with its process id");
}

static struct doctor_judgement judge_program(const struct doctor_facts *facts) {
    if (facts->clients > 0)
        return (struct doctor_judgement){DOCTOR_ROUTED, "it calls a client library that can be intercepted",
                                         NULL};
    if (facts->drivers > 0)
        return (struct doctor_judgement){
            DOCTOR_ROUTED, "a driver that it can load calls a client library that can be intercepted", NULL};
    return judge_no_client(facts);
}

static struct doctor_judgement judge_process(const struct doctor_facts *facts) {
    if (!facts->is_preloaded) {
        const struct doctor_judgement judgement =
            facts->clients > 0 ? unknown("", NULL) : judge_no_client(facts);
        return judgement.verdict == DOCTOR_BYPASSES ? judgement
                                                    : bypasses("libroundabout.so is not loaded", RUN_IT);
    }
    if (facts->is_disabled)
        return bypasses("ROUNDABOUT_DISABLE is set in its environment", "start it without that variable");
    if (facts->has_bad_config)
        return bypasses("its user can't use the configuration, so libroundabout.so stands aside",
                        "see `configuration` below; then start it again");
    if (facts->callers_past > 0)
        return bypasses(
            "the calls of a module go past libroundabout.so; it was loaded with RTLD_DEEPBIND, or in front "
            "of it",
            "start it with `roundabout run --deepbind`, or set `deepbind = true` in the configuration");
    if (facts->callers > 0)
        return (struct doctor_judgement){DOCTOR_ROUTED,
                                         "all modules that use a client library call libroundabout.so", NULL};
    if (facts->clients > 0)
        return bypasses("no loaded module takes the client library's functions from others: the program "
                        "looks them up by name (dlsym)",
                        "link it to the client library, or use another driver");
    return judge_no_client(facts);
}

struct doctor_judgement doctor_judge(const struct doctor_facts *facts) {
    if (facts->is_damaged)
        return unknown("its file is cut off or damaged, and can't be run", "install it anew");
    const struct doctor_judgement judgement = judge_file(facts);
    if (judgement.verdict == DOCTOR_BYPASSES)
        return judgement;
    return facts->is_process ? judge_process(facts) : judge_program(facts);
}
