/* A program that loads a module, uses it and drops it, several times, as web servers do when they read their
 * configuration again. It has no client library itself. Arguments: --deepbind, if modules are to see their
 * own libraries first; the module's path, or its name, if it is to be found beside this program by way of the
 * program's RUNPATH; and statements. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    int flags = RTLD_NOW | RTLD_LOCAL;
    if (argc > 1 && strcmp(argv[1], "--deepbind") == 0) {
        flags |= RTLD_DEEPBIND;
        argv++;
        argc--;
    }
    for (int i = 2; i < argc; i++) {
        char answer[200];
        int (*run)(const char *, char *, unsigned);
        void *module = dlopen(argv[1], flags);
        if (!module) {
            printf("%s\n", dlerror());
            return 1;
        }
        *(void **)&run = dlsym(module, "module_run");
        int failed = run(argv[i], answer, sizeof answer);
        printf("%d %s\n", failed, answer);
        dlclose(module);
    }
    return 0;
}
