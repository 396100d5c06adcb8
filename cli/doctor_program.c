#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config/config.h"
#include "doctor_client.h"
#include "elf_file.h"
#include "libraries.h"
#include "program.h"

enum { DRIVER_PLACES = 4, NESTED_MAX = 4 };

/* Languages whose programs are scripts, and where their drivers' binary parts usually lie. The pure ones are
 * named for the person. */
static const struct language {
    const char *interpreter; /* a pattern of its file name */
    const char *name;
    struct driver {
        const char *name;
        const char *places[DRIVER_PLACES];
    } drivers[3];
    const char *others; /* such as can't be routed */
} LANGUAGES[] = {
    {"python*",
     "Python",
     {{"MySQLdb",
       {"/usr/lib/python3*/dist-packages/MySQLdb/_mysql*.so",
        "/usr/lib*/python3*/site-packages/MySQLdb/_mysql*.so",
        "/usr/local/lib/python3*/*-packages/MySQLdb/_mysql*.so",
        "%s/../lib/python3*/site-packages/MySQLdb/_mysql*.so"}},
      {"mariadb",
       {"/usr/lib/python3*/dist-packages/mariadb/_mariadb*.so",
        "/usr/lib*/python3*/site-packages/mariadb/_mariadb*.so",
        "/usr/local/lib/python3*/*-packages/mariadb/_mariadb*.so",
        "%s/../lib/python3*/site-packages/mariadb/_mariadb*.so"}},
      {NULL, {NULL}}},
     "PyMySQL, aiomysql and mysql.connector speak to the server themselves and bypass"},
    {"perl*",
     "Perl",
     {{"DBD::mysql",
       {"/usr/lib/*/perl5/*/auto/DBD/mysql/mysql.so", "/usr/lib*/perl5/vendor_perl/auto/DBD/mysql/mysql.so",
        "/usr/local/lib/*/perl/*/auto/DBD/mysql/mysql.so",
        "/usr/local/share/perl/*/auto/DBD/mysql/mysql.so"}},
      {"DBD::MariaDB",
       {"/usr/lib/*/perl5/*/auto/DBD/MariaDB/MariaDB.so",
        "/usr/lib*/perl5/vendor_perl/auto/DBD/MariaDB/MariaDB.so",
        "/usr/local/lib/*/perl/*/auto/DBD/MariaDB/MariaDB.so", NULL}},
      {NULL, {NULL}}},
     "Net::MySQL and Mojo::MySQL5 speak to the server themselves and bypass"},
    {"ruby*",
     "Ruby",
     {{"mysql2",
       {"/usr/lib/*/ruby/vendor_ruby/*/mysql2/mysql2.so",
        "/var/lib/gems/*/extensions/*/*/mysql2-*/mysql2/mysql2.so",
        "/usr/local/bundle/extensions/*/*/mysql2-*/mysql2/mysql2.so",
        "%s/../lib/ruby/gems/*/extensions/*/*/mysql2-*/mysql2/mysql2.so"}},
      {NULL, {NULL}}},
     "ruby-mysql and trilogy speak to the server themselves and bypass"},
    {"php*",
     "PHP",
     {{"mysqli",
       {"/usr/lib/php/*/mysqli.so", "/usr/lib*/php/modules/mysqli.so",
        "/usr/local/lib/php/extensions/*/mysqli.so", NULL}},
      {"pdo_mysql",
       {"/usr/lib/php/*/pdo_mysql.so", "/usr/lib*/php/modules/pdo_mysql.so",
        "/usr/local/lib/php/extensions/*/pdo_mysql.so", NULL}},
      {NULL, {NULL}}},
     "PHP since 5.4 comes with mysqlnd, which speaks to the server itself and bypasses"},
};

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void note_libraries(struct doctor_report *report, const char *path) {
    struct libraries libraries = libraries_of(path);
    for (size_t i = 0; i < libraries.count; i++) {
        const struct library *library = &libraries.items[i];
        if (!library_is_client(library->name))
            continue;
        report->facts.clients++;
        doctor_note_client(report, library->path[0] ? library->path : NULL, library->name);
    }
    libraries_free(&libraries);
}

/* --- scripts */

static void note_driver(struct doctor_report *report, const struct driver *driver, const char *path) {
    struct libraries libraries = libraries_of(path);
    bool is_linked = false;
    for (size_t i = 0; i < libraries.count; i++) {
        if (!library_is_client(libraries.items[i].name))
            continue;
        is_linked = true;
        doctor_note(report, "driver", "%s: %s, linked to %s", driver->name, path,
                    libraries.items[i].path[0] ? libraries.items[i].path : libraries.items[i].name);
    }
    if (!is_linked)
        doctor_note(report, "driver", "%s: %s, not linked to a client library", driver->name, path);
    report->facts.drivers += is_linked;
    libraries_free(&libraries);
}

static void look_for_drivers(struct doctor_report *report, const struct language *language,
                             const char *interpreter) {
    const int folder = (int)(file_name(interpreter) - interpreter) - 1;
    for (const struct driver *driver = language->drivers; driver->name; driver++) {
        for (size_t i = 0; i < DRIVER_PLACES && driver->places[i]; i++) {
            char pattern[PATH_MAX];
            glob_t found;
            const char *place = driver->places[i];
            if (strncmp(place, "%s", 2) == 0)
                snprintf(pattern, sizeof pattern, "%.*s%s", folder > 0 ? folder : 0, interpreter, place + 2);
            else
                snprintf(pattern, sizeof pattern, "%s", place);
            if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
                continue;
            for (size_t n = 0; n < found.gl_pathc; n++)
                note_driver(report, driver, found.gl_pathv[n]);
            globfree(&found);
        }
    }
    doctor_note(report, "driver", "%s", language->others);
}

static void look_at_interpreter(struct doctor_report *report, const char *path) {
    for (size_t i = 0; i < sizeof LANGUAGES / sizeof *LANGUAGES; i++) {
        if (fnmatch(LANGUAGES[i].interpreter, file_name(path), 0) != 0)
            continue;
        report->facts.is_interpreted = true;
        doctor_note(report, "language", "%s; a driver is loaded when the program asks for one",
                    LANGUAGES[i].name);
        look_for_drivers(report, &LANGUAGES[i], path);
    }
}

/* The interpreter of a script, from its first line. False: it isn't one, or it is the shell's to run. */
static bool read_script(const char *path, char *interpreter, size_t size) {
    char line[512] = "", *rest, *word;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t got = file < 0 ? -1 : read(file, line, sizeof line - 1);
    if (file >= 0)
        close(file);
    if (got < 3 || memcmp(line, "#!", 2) != 0)
        return false;
    line[strcspn(line, "\n")] = '\0';
    word = strtok_r(line + 2, " \t", &rest);
    if (word && strcmp(file_name(word), "env") == 0) {
        do
            word = strtok_r(NULL, " \t", &rest);
        while (word && (*word == '-' || strchr(word, '=')));
    }
    return word && program_find(word, interpreter, size) == 0;
}

/* --- programs */

static void look_at_elf(struct doctor_report *report, const struct elf *elf, const char *path) {
    struct doctor_facts *facts = &report->facts;
    const char *linker = elf_interpreter(elf);
    facts->is_static = elf_is_static(elf);
    facts->has_other_libc = linker && strstr(linker, "ld-musl");
    doctor_note(report, "program", "%s, %s", path,
                facts->is_static      ? "linked statically"
                : !linker             ? "the dynamic linker"
                : elf_is_dynamic(elf) ? linker
                                      : "without a dynamic section");
    if (!facts->is_static)
        note_libraries(report, path);
    if (facts->clients > 0)
        return;
    facts->is_php_native = elf_contains(elf, "mysqlnd_");
    facts->has_own_client = doctor_has_own_client(elf);
    facts->asks_by_name = !facts->has_own_client &&
                          (elf_contains(elf, "libmysqlclient.so") || elf_contains(elf, "libmariadb.so"));
    if (facts->is_php_native)
        doctor_note(report, "client library", "none is linked; mysqlnd is in the program");
    else if (facts->has_own_client)
        doctor_note(report, "client library", "none is linked; the program has the client's code in itself");
    else if (facts->asks_by_name)
        doctor_note(report, "client library", "none is linked; the name of one is in the program as a text");
    else
        doctor_note(report, "client library", "none is linked");
}

static void look_at_rights(struct doctor_report *report, const char *path) {
    const char *reason = program_raised_rights(path);
    if (!reason && program_is_own_setuid(path))
        doctor_note(report, "rights",
                    "%s: it is setuid; what is said here holds for its owner, others bypass", path);
    if (!reason)
        return;
    report->facts.raised_rights = reason;
    doctor_note(report, "rights", "%s: %s", path, reason);
}

/* Reports one finding of the configuration; the first is enough for the person to go on. */
struct first_finding {
    char text[1024];
};
static void keep_first(void *context, const char *message) {
    struct first_finding *first = context;
    if (!first->text[0])
        snprintf(first->text, sizeof first->text, "%s", message);
}

static void look_at_config(struct doctor_report *report, const char *option) {
    const char *path = config_choose_path(option, getenv("ROUNDABOUT_CONFIG"));
    struct first_finding first = {""};
    struct config *config = config_load(path, keep_first, &first);
    if (config)
        doctor_note(report, "configuration", "%s, as `roundabout run` would use it", path);
    else
        doctor_note(report, "configuration", "%s; `roundabout run` would refuse it", first.text);
    config_free(config);
}

static void look_at_file(struct doctor_report *report, const char *path, unsigned depth) {
    enum elf_kind kind;
    char interpreter[PATH_MAX];
    struct elf *elf = elf_open(path, &kind);
    if (kind == ELF_DAMAGED || (kind == ELF_OWN && !elf_is_whole(elf))) {
        report->facts.is_damaged = true;
        doctor_note(report, "program", "%s, cut off or damaged", path);
    } else if (kind == ELF_OWN) {
        look_at_elf(report, elf, path);
        look_at_interpreter(report, path);
    } else if (kind == ELF_FOREIGN) {
        report->facts.is_foreign = true;
        doctor_note(report, "program", "%s, built for another machine or word size", path);
    } else if (read_script(path, interpreter, sizeof interpreter) && depth < NESTED_MAX) {
        doctor_note(report, "script", "%s, run by %s", path, interpreter);
        look_at_rights(report, interpreter);
        look_at_file(report, interpreter, depth + 1);
    } else {
        doctor_note(report, "program", "%s, neither a program nor a script that names its interpreter", path);
    }
    elf_close(elf);
}

bool doctor_look_at_program(const char *path, const char *config, struct doctor_report *report) {
    if (access(path, R_OK) != 0)
        return false;
    memset(report, 0, sizeof *report);
    look_at_rights(report, path);
    look_at_file(report, path, 0);
    look_at_config(report, config);
    return true;
}
