/* A program that loads a module, uses it and drops it, several times, as web servers do when they read their
 * configuration again. It has no client library itself. Arguments: the module's path, and statements. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    for (int i = 2; i < argc; i++) {
        char answer[200];
        int (*run)(const char *, char *, unsigned);
        void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
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
