/* The cure for modules that are loaded with RTLD_DEEPBIND: they see the client library before this object, so
 * none of their calls comes here. This object defines dlopen; where the operator has asked for it, the flag
 * is taken out before the real dlopen sees it. Everything else about the call stays as it was: the real one
 * is jumped to, so that it takes the module's loader for its caller, whose RUNPATH and $ORIGIN it goes by.
 * For x86-64 and AArch64; elsewhere dlopen isn't defined, and such modules bypass. dlmopen is left alone: a
 * preloaded object isn't in another namespace whatever the flags. */
#ifndef ROUNDABOUT_DEEPBIND_H
#define ROUNDABOUT_DEEPBIND_H

#if defined(__x86_64__) || defined(__aarch64__)
#define DEEPBIND_CURE 1
#else
#define DEEPBIND_CURE 0
#endif

/* For the code in assembly alone. */

/* The dlopen to jump to; NULL until the first call. */
extern void *deepbind_next;

/* Finds deepbind_next, and answers with the flags to go on with. Any thread, also before this object's
 * constructors and inside another's; keeps errno. */
int deepbind_choose_flags(int flags);

#endif
