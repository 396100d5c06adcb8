# Roundabout. Everything that is built goes into build/.
#
#   make            build/libroundabout.so, build/roundabout, build/roundaboutd, build/roundabout-bench
#   make deps       installs what is missing (apt-get; elsewhere it names the packages)
#   make check      all tests
#   make check-ring             the ring under faults, with a table
#   make check-converge         the sites agree again after faults and conflicts, with a table; RUNS=20 RUN_S=60
#   make check-drivers          the drivers' own test suites, test by test, with a table
#   make check-libmysqlclient   the live tests on Oracle's client library, on MariaDB and on MySQL
#   make demo       the main job, shown on throwaway servers
#   make bench bench-quick      how much faster on this machine, and what it costs the rest
#   make bench-ring             how long a write takes to the other sites
#   make bench-converge         how soon keys that differ are repaired, and what comparing costs
#   make bench-verbs            how long an operator waits for the command and the page
#   make bench-overhead          the shim's own cost a call, in nanoseconds and instructions
#   make asan tsan valgrind      the fast tests under the sanitizers
#   make fuzz                    the readers of foreign input, fuzzed
#   make check-faults            the local master's failures, under load
#   make soak                    a ring under load and faults for half an hour; nothing grows
#   make lint                    static analysis
#   make check-oracle            the classifier against real servers, with random statements
#   make install uninstall       with prefix= and DESTDIR= as usual
#   make deb check-deb           the Debian package; tried in a clean Debian folder

# The version is debian/changelog's, and stands nowhere else.
VERSION := $(shell sed -n '1s/^[^(]*(\([^)]*\)).*/\1/p' debian/changelog)

BUILD ?= build
CC ?= cc
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
ifdef CI
WARNINGS += -Werror
endif
OPTIMISE ?= -O2
SANITIZE ?=
# Level 3 of fortify where the compiler has it; control flow protection where the processor's kind has one.
accepts = $(shell $(CC) $(1) -Werror -x c -c -o /dev/null /dev/null 2>/dev/null && echo $(1))
HARDENING := -fstack-protector-strong -fstack-clash-protection $(call accepts,-fcf-protection=full) $(call accepts,-mbranch-protection=standard) \
            $(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
CFLAGS_ALL = -std=gnu11 -g $(OPTIMISE) $(HARDENING) $(WARNINGS) $(SANITIZE) -fPIC -ffunction-sections -fvisibility=hidden -MMD -MP $(CFLAGS)
LDFLAGS_ALL = -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)

CONFIG = config/config.c config/file.c config/reading.c config/values.c config/spelling.c config/rules.c config/secret.c config/settings.c config/expire.c
PURE   = shim/lex.c shim/lex_list.c shim/lex_modes.c shim/sql_keywords.c shim/sql_functions.c \
         shim/sql_read.c shim/sql_expression.c shim/sql_tables.c shim/sql_query.c shim/sql_write.c shim/sql_set.c shim/sql.c \
         shim/route.c shim/temporary.c page/names.c
PAGE   = page/page.c page/files.c
SHIM   = $(PURE) $(CONFIG) $(PAGE) \
         shim/real.c shim/late.c shim/process.c \
         shim/deepbind.c \
         shim/log.c shim/utc.c shim/setup.c shim/options.c \
         shim/stats.c shim/own_page.c shim/usage.c shim/observe.c \
         shim/session.c shim/snapshot.c shim/map.c shim/handle.c \
         shim/breaker.c shim/probe.c shim/verdict.c shim/site_page.c \
         shim/local.c shim/local_life.c shim/local_open.c shim/local_step.c \
         shim/prepared.c shim/prepared_binds.c shim/exposed.c \
         shim/command.c shim/decision.c shim/doubt.c shim/question.c shim/restate.c shim/descriptor.c shim/broken_pipe.c \
         shim/socket.c shim/watch.c \
         shim/variables.c \
         shim/intercept_connect.c shim/intercept_command.c \
         shim/intercept_query.c shim/intercept_send.c \
         shim/intercept_result.c shim/intercept_answer.c \
         shim/intercept_statement.c shim/intercept_fetch.c \
         shim/intercept_async.c
CLI    = cli/main.c \
         cli/run.c cli/program.c cli/elf_file.c \
         cli/doctor.c cli/doctor_judge.c cli/doctor_program.c cli/doctor_process.c cli/doctor_client.c \
         cli/libraries.c cli/process.c \
         cli/init.c cli/init_look.c cli/init_write.c cli/option_files.c \
         cli/explain.c cli/text.c $(PURE) \
         cli/observe.c cli/judge.c cli/stats.c cli/stats_table.c cli/stats_json.c cli/gather.c cli/gather_options.c $(PAGE) \
         cli/check.c daemon/preflight.c daemon/catalogue.c daemon/key.c daemon/chunk.c daemon/statement.c \
         cli/ring.c \
         cli/ring_prepare.c daemon/prepare.c \
         cli/ring_hand.c cli/ring_join.c cli/ring_copy.c daemon/join.c \
         cli/ring_plan.c cli/ring_leave.c cli/ring_pause.c \
         cli/status.c cli/daemon_lags.c daemon/picture.c daemon/status_json.c daemon/buffer.c daemon/event.c daemon/routing.c $(PAGE) \
         cli/look.c daemon/observe.c daemon/server.c \
         $(CONFIG) $(DAEMON_PURE)
DAEMON_PURE = daemon/link.c daemon/tally.c daemon/ring.c daemon/script.c daemon/dialect.c daemon/quote.c daemon/plain.c \
              daemon/pause.c daemon/statement.c
CONVERGE_PURE = daemon/chunk.c daemon/diverge.c daemon/sweep.c daemon/settle.c daemon/fence.c
DAEMON_SHOW = daemon/picture.c daemon/compare.c daemon/event.c daemon/journal.c daemon/routing.c daemon/buffer.c \
              daemon/metrics.c daemon/status_json.c daemon/page.c page/names.c $(PAGE) daemon/site_page.c
DAEMON_REST = daemon/observe.c daemon/heartbeat.c daemon/watch.c daemon/lag.c daemon/memory.c daemon/place.c daemon/site.c \
              daemon/turn.c daemon/event.c daemon/journal.c daemon/buffer.c \
              $(CONVERGE_PURE) daemon/catalogue.c daemon/key.c daemon/crew.c daemon/lease.c \
              daemon/comparison.c daemon/comparison_load.c daemon/suspects.c daemon/repair.c daemon/purge.c daemon/expiry.c config/expire.c daemon/converge.c \
              daemon/log.c
DAEMON      = $(DAEMON_PURE) $(DAEMON_REST) $(filter-out daemon/event.c daemon/journal.c daemon/buffer.c,$(DAEMON_SHOW)) \
              daemon/herald.c daemon/http.c daemon/host.c daemon/hook.c \
              daemon/server.c \
              daemon/notify.c
UNIT   = config page plain \
         judge usage \
         lex sql route session restate map utc \
         ring link tally place script turn preflight join expire \
         chunk prepare diverge fence sweep settle \
         lag show \
         doctor \
         histogram load

# The shim opens libconfig by this name when it needs it (shim/late.c).
LIBCONFIG_SONAME := $(shell readelf -d "$$($(CC) -print-file-name=libconfig.so)" 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

all: $(BUILD)/libroundabout.so $(BUILD)/roundabout $(BUILD)/roundaboutd $(BUILD)/roundabout-bench

# The client library's headers and libraries are the daemon's and the command's alone: the shim meets whatever the application has.
MYSQL_CFLAGS ?= $(shell mariadb_config --include 2>/dev/null || mysql_config --include)
MYSQL_LIBS   ?= $(shell mariadb_config --libs 2>/dev/null || mysql_config --libs)
SYSTEMD_LIBS := $(shell pkg-config --libs libsystemd 2>/dev/null)
$(BUILD)/cli/main.o $(BUILD)/daemon/main.o $(BUILD)/daemon/herald.o: debian/changelog
$(BUILD)/cli/main.o $(BUILD)/daemon/main.o $(BUILD)/daemon/herald.o: CFLAGS_ALL += -DROUNDABOUT_VERSION='"$(VERSION)"'
$(BUILD)/daemon/server.o: CFLAGS_ALL += $(MYSQL_CFLAGS)
# Opened by this name when there is to be a page (daemon/http.c). Without its header the daemon is built without a page.
MICROHTTPD_SONAME := $(shell readelf -d "$$($(CC) -print-file-name=libmicrohttpd.so)" 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
$(BUILD)/daemon/http.o: CFLAGS_ALL += $(if $(MICROHTTPD_SONAME),-DHAVE_MICROHTTPD -DMICROHTTPD_SONAME='"$(MICROHTTPD_SONAME)"')
# The page's parts are in the program, byte for byte.
$(BUILD)/daemon/page.o: daemon/page.html daemon/page.css daemon/page.js
$(BUILD)/daemon/notify.o: CFLAGS_ALL += $(if $(SYSTEMD_LIBS),-DHAVE_SYSTEMD)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(BUILD)/shim/late.o: CFLAGS_ALL += -DLIBCONFIG_SONAME='"$(LIBCONFIG_SONAME)"'

# Not under valgrind, which tells the lines of .text alone.
ORDER ?= -Wl,-T,shim/order.ld
$(BUILD)/libroundabout.so: $(call objects,$(SHIM)) shim/exports.map shim/order.ld
	$(CC) -shared $(LDFLAGS_ALL) -Wl,--version-script=shim/exports.map $(ORDER) -Wl,-z,defs -o $@ $(call objects,$(SHIM)) -ldl -lpthread

$(BUILD)/roundabout: $(call objects,$(CLI))
	$(CC) $(LDFLAGS_ALL) -pie -o $@ $^ -lconfig $(MYSQL_LIBS) -lpthread

$(BUILD)/roundaboutd: $(call objects,daemon/main.c $(DAEMON) $(CONFIG))
	$(CC) $(LDFLAGS_ALL) -pie -o $@ $^ $(MYSQL_LIBS) $(SYSTEMD_LIBS) -lconfig -lpthread -ldl

$(BUILD)/wan: $(call objects,bench/wan.c bench/wan_line.c bench/wan_connection.c bench/wan_address.c bench/wan_options.c)
	$(CC) $(LDFLAGS_ALL) -o $@ $^

# --- tests

$(BUILD)/tests/unit/test_config: LINK_MORE = -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=strndup
$(BUILD)/tests/unit/test_config: $(call objects,tests/unit/test_config.c $(CONFIG))
$(BUILD)/tests/unit/test_plain: $(call objects,tests/unit/test_plain.c daemon/plain.c)
$(BUILD)/tests/unit/test_judge: $(call objects,tests/unit/test_judge.c cli/judge.c)
$(BUILD)/tests/unit/test_usage: $(call objects,tests/unit/test_usage.c shim/usage.c $(PURE))
$(BUILD)/tests/unit/test_page: $(call objects,tests/unit/test_page.c $(PAGE) page/names.c)
$(BUILD)/tests/unit/test_lex: $(call objects,tests/unit/test_lex.c $(PURE))
$(BUILD)/tests/unit/test_sql: $(call objects,tests/unit/test_sql.c $(PURE))
$(BUILD)/tests/unit/test_route: $(call objects,tests/unit/test_route.c $(PURE))
$(BUILD)/tests/unit/test_session: $(call objects,tests/unit/test_session.c $(PURE) shim/session.c)
$(BUILD)/tests/unit/test_restate: $(call objects,tests/unit/test_restate.c shim/restate.c $(PURE))
$(BUILD)/tests/unit/test_utc: $(call objects,tests/unit/test_utc.c shim/utc.c)
$(BUILD)/tests/unit/test_map: $(call objects,tests/unit/test_map.c shim/map.c)
$(BUILD)/tests/unit/test_ring: $(call objects,tests/unit/test_ring.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_tally: $(call objects,tests/unit/test_tally.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_place: $(call objects,tests/unit/test_place.c daemon/place.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_link: $(call objects,tests/unit/test_link.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_script: $(call objects,tests/unit/test_script.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_preflight: $(call objects,tests/unit/test_preflight.c daemon/preflight.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_expire: $(call objects,tests/unit/test_expire.c config/expire.c daemon/purge.c daemon/key.c daemon/chunk.c daemon/statement.c)
$(BUILD)/tests/unit/test_join: $(call objects,tests/unit/test_join.c daemon/join.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_chunk: $(call objects,tests/unit/test_chunk.c daemon/chunk.c daemon/statement.c)
$(BUILD)/tests/unit/test_prepare: $(call objects,tests/unit/test_prepare.c daemon/prepare.c daemon/chunk.c daemon/statement.c)
$(BUILD)/tests/unit/test_diverge: $(call objects,tests/unit/test_diverge.c daemon/diverge.c)
$(BUILD)/tests/unit/test_fence: $(call objects,tests/unit/test_fence.c daemon/fence.c)
$(BUILD)/tests/unit/test_sweep: $(call objects,tests/unit/test_sweep.c daemon/sweep.c)
$(BUILD)/tests/unit/test_settle: $(call objects,tests/unit/test_settle.c daemon/settle.c)
$(BUILD)/tests/unit/test_histogram: $(call objects,tests/unit/test_histogram.c bench/load/histogram.c)
$(BUILD)/tests/unit/test_load: $(call objects,tests/unit/test_load.c bench/load/keys.c bench/load/text.c bench/load/replay.c)
$(BUILD)/tests/unit/test_doctor: $(call objects,tests/unit/test_doctor.c cli/doctor_judge.c cli/elf_file.c)
$(BUILD)/tests/unit/test_turn: $(call objects,tests/unit/test_turn.c $(DAEMON_PURE) $(DAEMON_REST))
$(BUILD)/tests/unit/test_lag: $(call objects,tests/unit/test_lag.c daemon/lag.c)
$(BUILD)/tests/unit/test_show: $(call objects,tests/unit/test_show.c $(DAEMON_PURE) $(DAEMON_SHOW) $(CONFIG) daemon/log.c daemon/host.c daemon/hook.c)
$(addprefix $(BUILD)/tests/unit/test_,$(UNIT)):
	$(CC) $(LDFLAGS_ALL) $(LINK_MORE) -o $@ $^ -lcmocka -lconfig -lpthread -lm
$(BUILD)/tests/unit/print_settings: $(call objects,tests/unit/print_settings.c $(CONFIG))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lconfig

$(BUILD)/tests/unit/print_shown: $(call objects,tests/unit/print_shown.c $(DAEMON_PURE) $(DAEMON_SHOW) $(CONFIG) daemon/log.c)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lconfig -lpthread

unit: $(addprefix $(BUILD)/tests/unit/test_,$(UNIT)) $(BUILD)/tests/unit/print_settings $(BUILD)/tests/unit/print_shown

# --- the shim over a fake client library
PRELOAD = $(BUILD)/tests/preload
FAKES   = $(PRELOAD)/libmariadb.so.3 $(PRELOAD)/libmysqlclient.so.24
CLOSED  = $(PRELOAD)/closed/libmariadb.so.3 $(PRELOAD)/closed/libmysqlclient.so.24
PRELOAD_TESTS = answers pending halves prepared handles transactions step outage async threads memory stats reload process stale

FAKE_PARTS = fake_client fake_statement
$(FAKE_PARTS:%=$(PRELOAD)/%.mariadb.o): CFLAGS_ALL += -DFAKE_MARIADB -fsemantic-interposition
$(FAKE_PARTS:%=$(PRELOAD)/%.oracle.o): CFLAGS_ALL += -fsemantic-interposition
$(PRELOAD)/%.mariadb.o: tests/preload/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@
$(PRELOAD)/%.oracle.o: tests/preload/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(PRELOAD)/libfakeserver.so: $(PRELOAD)/fake_server.o
	$(CC) -shared $(LDFLAGS_ALL) -Wl,-soname,libfakeserver.so -o $@ $^
$(PRELOAD)/libmariadb.so.3 $(PRELOAD)/closed/libmariadb.so.3: MAP = mariadb
$(PRELOAD)/libmysqlclient.so.24 $(PRELOAD)/closed/libmysqlclient.so.24: MAP = oracle
$(CLOSED): LINK_MORE = -Wl,-Bsymbolic
$(PRELOAD)/libmariadb.so.3 $(PRELOAD)/closed/libmariadb.so.3: $(FAKE_PARTS:%=$(PRELOAD)/%.mariadb.o)
$(PRELOAD)/libmysqlclient.so.24 $(PRELOAD)/closed/libmysqlclient.so.24: $(FAKE_PARTS:%=$(PRELOAD)/%.oracle.o)
$(FAKES) $(CLOSED): $(PRELOAD)/libfakeserver.so tests/preload/fake_mariadb.map tests/preload/fake_oracle.map
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS_ALL) $(LINK_MORE) -Wl,-soname,$(@F) -Wl,--version-script=tests/preload/fake_$(MAP).map \
	    -Wl,-rpath,'$$ORIGIN' -o $@ $(FAKE_PARTS:%=$(PRELOAD)/%.$(MAP).o) $(PRELOAD)/libfakeserver.so

$(addprefix $(PRELOAD)/mariadb_test_,$(PRELOAD_TESTS)): CLIENT = $(PRELOAD)/libmariadb.so.3
$(addprefix $(PRELOAD)/oracle_test_,$(PRELOAD_TESTS)): CLIENT = $(PRELOAD)/libmysqlclient.so.24
$(addprefix $(PRELOAD)/mariadb_test_,$(PRELOAD_TESTS)): $(PRELOAD)/mariadb_test_%: $(PRELOAD)/test_%.o $(PRELOAD)/claims.o $(FAKES)
$(addprefix $(PRELOAD)/oracle_test_,$(PRELOAD_TESTS)): $(PRELOAD)/oracle_test_%: $(PRELOAD)/test_%.o $(PRELOAD)/claims.o $(FAKES)
$(foreach test,stats stale outage,$(PRELOAD)/mariadb_test_$(test) $(PRELOAD)/oracle_test_$(test)): $(call objects,$(PAGE) page/names.c)
$(addprefix $(PRELOAD)/mariadb_test_,$(PRELOAD_TESTS)) $(addprefix $(PRELOAD)/oracle_test_,$(PRELOAD_TESTS)):
	$(CC) $(LDFLAGS_ALL) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN' -o $@ $(filter %.o,$^) $(CLIENT) $(PRELOAD)/libfakeserver.so -lpthread

$(PRELOAD)/plugin_mariadb.so: $(PRELOAD)/libmariadb.so.3
$(PRELOAD)/plugin_oracle.so: $(PRELOAD)/libmysqlclient.so.24
$(PRELOAD)/plugin_mariadb.so $(PRELOAD)/plugin_oracle.so: $(PRELOAD)/plugin.o
	$(CC) -shared $(LDFLAGS_ALL) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN' -o $@ $^ $(PRELOAD)/libfakeserver.so
$(PRELOAD)/test_libraries: $(PRELOAD)/test_libraries.o $(PRELOAD)/claims.o $(PRELOAD)/libfakeserver.so $(PRELOAD)/plugin_mariadb.so $(PRELOAD)/plugin_oracle.so
	$(CC) $(LDFLAGS_ALL) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN' -o $@ $(filter %.o,$^) $(PRELOAD)/libfakeserver.so -ldl

preload: $(BUILD)/libroundabout.so $(CLOSED) $(PRELOAD)/test_libraries \
         $(addprefix $(PRELOAD)/mariadb_test_,$(PRELOAD_TESTS)) $(addprefix $(PRELOAD)/oracle_test_,$(PRELOAD_TESTS))

# --- programs of the live tests. They stay as an application's are: no sanitizer, no hardening of ours.

LIVE       = tests/live/apps/c
C_APP      = $(addprefix $(LIVE)/,c_app.c tell.c text.c results.c answers.c session.c prepared.c prepared_orders.c prepared_refused.c non_blocking.c process.c orders.c random.c)
LIVE_APPS  = $(addprefix $(BUILD)/tests/live/,c_app any_order loader module.so) \
             $(BUILD)/tests/live/statements $(BUILD)/tests/live/failing.so
LIVE_CFLAGS = -std=gnu11 -g -O2 $(WARNINGS)
$(BUILD)/tests/live/c_app: $(C_APP) $(LIVE)/c_app.h
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) $(MYSQL_CFLAGS) -o $@ $(C_APP) $(MYSQL_LIBS) -lpthread
$(BUILD)/tests/live/any_order: $(LIVE)/any_order.c $(LIVE)/random.c $(LIVE)/tell.c $(LIVE)/c_app.h
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) $(MYSQL_CFLAGS) -o $@ $(LIVE)/any_order.c $(LIVE)/random.c $(LIVE)/tell.c $(MYSQL_LIBS)
$(BUILD)/tests/live/statements: $(LIVE)/statements.c
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) $(MYSQL_CFLAGS) -o $@ $< $(MYSQL_LIBS)
$(BUILD)/tests/live/failing.so: $(LIVE)/failing.c
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) -fPIC -shared -o $@ $< -ldl
$(BUILD)/tests/live/loader: $(LIVE)/loader.c
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) -Wl,--enable-new-dtags,-rpath,'$$ORIGIN' -o $@ $< -ldl
$(BUILD)/tests/live/module.so: $(LIVE)/module.c
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) -fPIC -shared $(MYSQL_CFLAGS) -o $@ $< $(MYSQL_LIBS)

# --- installing

prefix     ?= /usr/local
bindir     ?= $(prefix)/bin
sbindir    ?= $(prefix)/sbin
libdir     ?= $(prefix)/lib
mandir     ?= $(prefix)/share/man
docdir     ?= $(prefix)/share/doc/roundabout
unitdir    ?= $(libdir)/systemd/system
completion ?= $(prefix)/share/bash-completion/completions
# The programs look there, wherever they are themselves.
sysconfdir = /etc
DESTDIR    ?=

MANUAL = man/roundabout.1 man/roundabout-bench.1 man/roundabout.conf.5 man/roundabout-ring.7 man/libroundabout.8 man/roundaboutd.8
manual_dir = $(mandir)/man$(patsubst .%,%,$(suffix $(1)))
# All below examples/, where dh_compress leaves files as they are.
EXAMPLES := $(shell find examples contrib -type f)
example_place = $(docdir)/examples/$(patsubst contrib/%,%,$(patsubst examples/%,%,$(1)))

# The settings in roundabout.conf(5), the reasons and causes in libroundabout(8) are made from the tables that the programs go by.
$(BUILD)/man/roundabout.conf.5 $(BUILD)/man/libroundabout.8: $(BUILD)/man/%: man/%.in man/settings.awk $(BUILD)/tests/unit/print_settings
	@mkdir -p $(@D)
	$(BUILD)/tests/unit/print_settings | awk -f man/settings.awk > $@.settings
	$(BUILD)/tests/unit/print_settings reasons | awk -f man/settings.awk > $@.reasons
	$(BUILD)/tests/unit/print_settings causes | awk -f man/settings.awk > $@.causes
	sed -e '/^@settings@$$/{' -e 'r $@.settings' -e 'd' -e '}' -e '/^@reasons@$$/{' -e 'r $@.reasons' -e 'd' -e '}' \
	    -e '/^@causes@$$/{' -e 'r $@.causes' -e 'd' -e '}' $< > $@
	@rm $@.settings $@.reasons $@.causes
$(BUILD)/man/%: man/%
	@mkdir -p $(@D)
	cp $< $@

man: $(addprefix $(BUILD)/,$(MANUAL))

install: all man
	install -d $(addprefix $(DESTDIR),$(bindir) $(sbindir) $(libdir)/roundabout $(unitdir) $(libdir)/sysusers.d $(libdir)/tmpfiles.d \
	    $(completion) $(docdir) $(sysconfdir)/roundabout)
	install -m 755 $(BUILD)/roundabout $(BUILD)/roundabout-bench $(DESTDIR)$(bindir)/
	install -m 755 $(BUILD)/roundaboutd $(DESTDIR)$(sbindir)/
	install -m 644 $(BUILD)/libroundabout.so $(DESTDIR)$(libdir)/roundabout/
	install -m 640 config/roundabout.conf $(DESTDIR)$(sysconfdir)/roundabout/roundabout.conf.sample
	sed -e 's|@sbindir@|$(sbindir)|' -e 's|@type@|$(if $(SYSTEMD_LIBS),notify,exec)|' packaging/roundaboutd.service \
	    > $(DESTDIR)$(unitdir)/roundaboutd.service
	chmod 644 $(DESTDIR)$(unitdir)/roundaboutd.service
	install -m 644 packaging/roundabout.sysusers $(DESTDIR)$(libdir)/sysusers.d/roundabout.conf
	install -m 644 packaging/roundabout.tmpfiles $(DESTDIR)$(libdir)/tmpfiles.d/roundabout.conf
	install -m 644 packaging/roundabout.bash $(DESTDIR)$(completion)/roundabout
	ln -sf roundabout $(DESTDIR)$(completion)/roundaboutd
	ln -sf roundabout $(DESTDIR)$(completion)/roundabout-bench
	install -m 644 README.md SECURITY.md $(DESTDIR)$(docdir)/
	$(foreach page,$(MANUAL),install -D -m 644 $(BUILD)/$(page) $(DESTDIR)$(call manual_dir,$(page))/$(notdir $(page)) &&) true
	$(foreach file,$(EXAMPLES),install -D -m 644 $(file) $(DESTDIR)$(call example_place,$(file)) &&) true

# What install has put there; a configuration stays.
uninstall:
	rm -f $(DESTDIR)$(bindir)/roundabout $(DESTDIR)$(bindir)/roundabout-bench $(DESTDIR)$(sbindir)/roundaboutd $(DESTDIR)$(libdir)/roundabout/libroundabout.so \
	    $(DESTDIR)$(sysconfdir)/roundabout/roundabout.conf.sample $(DESTDIR)$(unitdir)/roundaboutd.service \
	    $(DESTDIR)$(libdir)/sysusers.d/roundabout.conf $(DESTDIR)$(libdir)/tmpfiles.d/roundabout.conf \
	    $(addprefix $(DESTDIR)$(completion)/,roundabout roundaboutd roundabout-bench) $(DESTDIR)$(docdir)/README.md $(DESTDIR)$(docdir)/SECURITY.md \
	    $(foreach page,$(MANUAL),$(DESTDIR)$(call manual_dir,$(page))/$(notdir $(page))) \
	    $(foreach file,$(EXAMPLES),$(DESTDIR)$(call example_place,$(file)))
	for folder in $(sort $(dir $(foreach file,$(EXAMPLES),$(call example_place,$(file))))); do \
	    rmdir -p --ignore-fail-on-non-empty $(DESTDIR)$$folder 2>/dev/null || true; done
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(libdir)/roundabout $(DESTDIR)$(docdir) $(DESTDIR)$(sysconfdir)/roundabout 2>/dev/null || true

# Built from a copy, because dpkg puts the package beside its tree. Needs no network.
deb:
	@sh tests/deps.sh build deb
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb/roundabout
	tar --exclude=./$(BUILD) --exclude=./.git --exclude=__pycache__ -cf - . | tar -C $(BUILD)/deb/roundabout -xf -
	cd $(BUILD)/deb/roundabout && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc -b -j2
	lintian --fail-on error --suppress-tags bad-distribution-in-changes-file $(BUILD)/deb/roundabout_*.changes
	@ls $(BUILD)/deb/*.deb

# --- what a person runs

# Builds with all cores, unless make was told with how many.
MAKE_ALL = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

PYTHON = /usr/bin/python3
RUN = $(PYTHON) tests/run.py
UNIT_RUNS = $(foreach u,$(UNIT),"unit $(u)=$(UNDER) $(BUILD)/tests/unit/test_$(u)")

deps:
	@sh tests/deps.sh

# MySQL's folder, which is made once, beside the build: no test's time limit includes that. Live suites: the longest first.
check: deps
	+@{ tests/mysql-root > /dev/null || true; } & \
	    $(MAKE_ALL) all man unit preload $(BUILD)/wan $(LIVE_APPS) $(BENCH)/overhead_mariadb $(BENCH)/overhead_oracle; \
	    status=$$?; wait; exit $$status
	@BUILD=$(abspath $(BUILD)) $(RUN) "layers=tests/check_layers.sh" \
	    "manual=tests/check_manual.py $(BUILD)" \
	    "hardening=tests/check_hardening.py $(BUILD)" \
	    "install=tests/check_install.py $(BUILD)" \
	    "events=tests/check_events.py daemon/event.h man/roundaboutd.8" \
	    "dashboards=tests/check_dashboards.py $(BUILD)/tests/unit/print_shown contrib/grafana/roundabout.json contrib/prometheus/roundabout.rules.yml" \
	    "settings=tests/check_settings.py $(BUILD)/tests/unit/print_settings config/roundabout.conf" $(UNIT_RUNS) \
	    "preload=$(PYTHON) tests/run_preload.py $(BUILD)" \
	    "bench overhead=$(PYTHON) bench/overhead.py $(BUILD) --rounds 1 --calls 20 --handles 100 --no-callgrind" \
	    "traps=$(PYTHON) tests/check_traps.py" \
	    "live converge=$(PYTHON) tests/live/test_converge.py" \
	    "live order=$(PYTHON) tests/live/test_shim_order.py" \
	    "live failure=$(PYTHON) tests/live/test_shim_failure.py" \
	    "live failure, libmysqlclient=TEST_CLIENT=oracle $(PYTHON) tests/live/test_shim_failure.py" \
	    "live ring=$(PYTHON) tests/live/test_ring.py" \
	    "live shim=$(PYTHON) tests/live/test_shim.py" \
	    "live page=$(PYTHON) tests/live/test_page.py" \
	    "live ring on MySQL=$(PYTHON) tests/live/test_ring_mysql.py" \
	    "live strangers=$(PYTHON) tests/live/test_strangers.py" \
	    "live ring verbs=$(PYTHON) tests/live/test_ring_verbs.py" \
	    "live expire=$(PYTHON) tests/live/test_expire.py" \
	    "live TLS=$(PYTHON) tests/live/test_tls.py" \
	    "live wan=$(PYTHON) tests/live/test_wan.py" \
	    "live model=$(PYTHON) tests/live/test_shim_model.py" \
	    "live stats=$(PYTHON) tests/live/test_shim_stats.py" \
	    "live grants=$(PYTHON) tests/live/test_grants.py" \
	    "live calls that fail=$(PYTHON) tests/live/test_failing_calls.py" \
	    "live bench=$(PYTHON) tests/live/test_bench.py" \
	    "live run=$(PYTHON) tests/live/test_shim_run.py" \
	    "live init=$(PYTHON) tests/live/test_init.py" \
	    "live doctor=$(PYTHON) tests/live/test_doctor.py"

# What needs no server and no root, as the package's build runs it.
check-unit: unit
	@$(RUN) "layers=tests/check_layers.sh" $(UNIT_RUNS)

# The package in a clean Debian folder, with the core of the demo run from it.
check-deb: deb
	+@$(MAKE_ALL) $(BUILD)/wan
	@sh tests/deps.sh live deb
	-@tests/debian-root > /dev/null
	@BUILD=$(BUILD) $(PYTHON) tests/live/test_deb.py

# The ring under faults, at the daemon's own default times: some minutes for each kind of server.
check-ring: deps
	+@$(MAKE_ALL) all $(BUILD)/wan
	@echo "MariaDB:"; BUILD=$(BUILD) $(PYTHON) tests/live/ring_faults.py
	@echo "MySQL:"; BUILD=$(BUILD) $(PYTHON) tests/live/ring_faults.py --mysql

# What two sites wrote at once, under faults: RUNS runs of RUN_S seconds each, and some more until all agree.
RUNS ?= 20
RUN_S ?= 60
check-converge: deps
	+@$(MAKE_ALL) all $(BUILD)/wan
	@BUILD=$(BUILD) RUNS=$(RUNS) RUN_S=$(RUN_S) $(PYTHON) tests/live/ring_jepsen.py

# The local master's failures under load of sixteen real clients, with a table of what these saw.
check-faults: deps
	+@$(MAKE_ALL) all $(BUILD)/wan
	@BUILD=$(abspath $(BUILD)) $(PYTHON) tests/live/shim_faults.py $(if $(STATEMENTS),--statements $(STATEMENTS))

# A ring of three under load and random faults, and nothing that grows.
SOAK_S ?= 1800
soak: deps
	+@$(MAKE_ALL) all $(BUILD)/wan
	@BUILD=$(abspath $(BUILD)) $(PYTHON) tests/live/soak.py --seconds $(SOAK_S)

# Static analysis by three tools; each finding is mended or explained in tests/data/lint.tsv.
lint: deps
	@$(PYTHON) tests/lint.py

# The classifier against what real servers say of the same statements.
check-oracle: deps
	+@$(MAKE_ALL) $(BUILD)/roundabout
	@BUILD=$(abspath $(BUILD)) $(RUN) --show "MariaDB=$(PYTHON) tests/live/oracle.py $(if $(STATEMENTS),--statements $(STATEMENTS))" \
	    "MySQL=$(PYTHON) tests/live/oracle.py --mysql $(if $(STATEMENTS),--statements $(STATEMENTS))"
# The drivers' own test suites, with the shim what they are without it. UNDER: a command that runs them, valgrind say.
check-drivers: deps
	+@$(MAKE_ALL) all
	@BUILD=$(abspath $(BUILD)) $(PYTHON) tests/live/test_drivers.py

# Everything live again on Oracle's client library, on both kinds of servers: ten minutes or so. TLS has that library in `make check` already.
LIVE_SHIM = "live shim=$(PYTHON) tests/live/test_shim.py" "live failure=$(PYTHON) tests/live/test_shim_failure.py" \
            "live run=$(PYTHON) tests/live/test_shim_run.py" "live model=$(PYTHON) tests/live/test_shim_model.py" \
            "live order=$(PYTHON) tests/live/test_shim_order.py"
check-libmysqlclient: deps
	+@$(MAKE_ALL) all $(LIVE_APPS)
	@status=0; for server in mariadb mysql; do echo "libmysqlclient on $$server:"; \
	    BUILD=$(abspath $(BUILD)) TEST_CLIENT=oracle TEST_SERVER=$$server $(RUN) $(LIVE_SHIM) || status=1; done; exit $$status

# The tests that need no server, under a sanitizer. Its runtime must come before the preloaded library.
fast:
	+@$(MAKE_ALL) unit preload
	@BUILD=$(BUILD) $(RUN) $(UNIT_RUNS) "preload=$(PYTHON) tests/run_preload.py $(BUILD) --quick $(PRELOAD_OPTIONS)"

asan: deps
	+@$(MAKE_ALL) fast BUILD=$(BUILD)/asan OPTIMISE=-O1 \
	    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
	    PRELOAD_OPTIONS="--before $$($(CC) -print-file-name=libasan.so)"

tsan: deps
	+@$(MAKE_ALL) fast BUILD=$(BUILD)/tsan OPTIMISE=-O1 SANITIZE="-fsanitize=thread" \
	    PRELOAD_OPTIONS="--before $$($(CC) -print-file-name=libtsan.so)"

# None is left out: memory that runs out is seen by this tool alone, since a sanitizer's allocator can't be replaced; with threads it is half of the time.
VALGRIND = valgrind -q --error-exitcode=9 --suppressions=tests/preload/valgrind.supp
valgrind: deps
	+@$(MAKE_ALL) fast BUILD=$(BUILD)/valgrind OPTIMISE=-O1 ORDER= UNDER="$(VALGRIND)" \
	    PRELOAD_OPTIONS="--wrapper '$(VALGRIND)'"

# The readers of foreign input, fuzzed: FUZZ_S seconds each. Needs clang with its libFuzzer.
FUZZ_S     ?= 900
FUZZ        = $(addprefix $(BUILD)/fuzz/fuzz_,classify config observe page answers repair expire positions)
FUZZ_CLANG ?= clang
FUZZ_FLAGS  = -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
$(BUILD)/fuzz/fuzz_classify: tests/fuzz/fuzz_classify.c $(PURE)
$(BUILD)/fuzz/fuzz_config: tests/fuzz/fuzz_config.c $(CONFIG)
$(BUILD)/fuzz/fuzz_observe: tests/fuzz/fuzz_observe.c $(DAEMON_PURE) daemon/observe.c
$(BUILD)/fuzz/fuzz_page: tests/fuzz/fuzz_page.c $(PAGE) page/names.c cli/gather.c cli/stats_json.c cli/stats_table.c cli/text.c daemon/routing.c $(CONFIG)
FUZZ_CONVERGE = tests/fuzz/foreign.c daemon/comparison.c daemon/comparison_load.c daemon/catalogue.c daemon/key.c daemon/chunk.c daemon/sweep.c \
    daemon/settle.c daemon/diverge.c daemon/statement.c daemon/quote.c daemon/plain.c daemon/log.c
$(BUILD)/fuzz/fuzz_answers: tests/fuzz/fuzz_answers.c $(FUZZ_CONVERGE) daemon/host.c daemon/join.c daemon/ring.c daemon/link.c daemon/script.c \
    daemon/dialect.c daemon/pause.c
$(BUILD)/fuzz/fuzz_repair: tests/fuzz/fuzz_repair.c $(FUZZ_CONVERGE) daemon/lease.c daemon/fence.c daemon/suspects.c daemon/repair.c daemon/expiry.c \
    daemon/purge.c config/expire.c
$(BUILD)/fuzz/fuzz_expire: tests/fuzz/fuzz_expire.c tests/fuzz/foreign.c config/expire.c daemon/purge.c daemon/key.c daemon/chunk.c daemon/statement.c
$(BUILD)/fuzz/fuzz_positions: tests/fuzz/fuzz_positions.c daemon/join.c $(DAEMON_PURE)
$(FUZZ): $(wildcard shim/*.h config/*.h page/*.h cli/*.h daemon/*.h tests/fuzz/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CLANG) $(FUZZ_FLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) -lconfig

fuzz: deps
	+@$(MAKE_ALL) $(FUZZ)
	@$(PYTHON) tests/fuzz/run.py $(BUILD) --seconds $(FUZZ_S)

demo: deps
	+@$(MAKE_ALL) all $(BUILD)/wan
	@BUILD=$(BUILD) $(PYTHON) bench/demo.py
	@BUILD=$(BUILD) $(PYTHON) bench/demo_ring.py

# --- benches

BENCH    = $(BUILD)/bench
LOAD     = bench/load/main.c bench/load/options.c \
           bench/load/client.c bench/load/keys.c bench/load/text.c bench/load/replay.c \
           bench/load/histogram.c bench/load/tally.c bench/load/results.c
OVERHEAD = bench/overhead.c \
           bench/overhead_cases.c \
           bench/overhead_memory.c
$(BENCH)/load/main.o $(BENCH)/load/client.o: CFLAGS_ALL += $(MYSQL_CFLAGS)
$(BUILD)/roundabout-bench: $(call objects,$(LOAD))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(MYSQL_LIBS) -lpthread -lm -ldl

$(BENCH)/overhead_mariadb: $(PRELOAD)/libmariadb.so.3
$(BENCH)/overhead_oracle: $(PRELOAD)/libmysqlclient.so.24
$(BENCH)/overhead_mariadb $(BENCH)/overhead_oracle: $(call objects,$(OVERHEAD)) $(PRELOAD)/libfakeserver.so
	$(CC) $(LDFLAGS_ALL) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN/../tests/preload' -o $@ $^ -lpthread

# How much faster, and what it costs the rest: some seven minutes, or under one.
bench bench-quick:
	@sh tests/deps.sh build live bench
	+@$(MAKE_ALL) all $(BUILD)/wan
	@BUILD=$(BUILD) $(PYTHON) bench/bench.py $(if $(filter bench-quick,$@),--quick) $(BENCH_OPTIONS)

# How long a write takes round a ring: some two minutes; BENCH_OPTIONS=--quick for a part.
bench-ring:
	@sh tests/deps.sh build live bench
	+@$(MAKE_ALL) all $(BUILD)/wan
	@BUILD=$(BUILD) $(PYTHON) bench/ring.py $(BENCH_OPTIONS)

# What finding and repairing keys that differ takes, and costs: a quarter of an hour; BENCH_OPTIONS="idle --mysql" for a part, on MySQL.
bench-converge:
	@sh tests/deps.sh build live bench
	+@$(MAKE_ALL) all $(BUILD)/wan
	@BUILD=$(BUILD) $(PYTHON) bench/converge.py $(BENCH_OPTIONS)

# How long the verbs take, and the page to its first paint: half a minute; BENCH_OPTIONS="--rounds 50 check" for one of them.
bench-verbs:
	@sh tests/deps.sh build live bench
	+@$(MAKE_ALL) all
	@BUILD=$(BUILD) $(PYTHON) bench/verbs.py $(BENCH_OPTIONS)

# Words for it, as in: make bench-overhead OVERHEAD_OPTIONS="--only insert --rounds 11"
bench-overhead:
	@sh tests/deps.sh build bench
	+@$(MAKE_ALL) $(BUILD)/libroundabout.so $(BENCH)/overhead_mariadb $(BENCH)/overhead_oracle
	@mkdir -p bench/out
	@$(PYTHON) bench/overhead.py $(BUILD) $(if $(OVERHEAD_OPTIONS),$(OVERHEAD_OPTIONS),--json bench/out/overhead.json)
	@$(if $(OVERHEAD_OPTIONS),,$(PYTHON) bench/report.py)

clean:
	rm -rf $(BUILD)

.PHONY: all clean deps
.PHONY: unit preload fast check check-ring check-converge check-drivers check-libmysqlclient check-faults check-oracle soak lint fuzz asan tsan valgrind
.PHONY: demo
.PHONY: bench bench-quick bench-overhead bench-ring bench-converge bench-verbs
.PHONY: man check-unit
.PHONY: install uninstall deb check-deb
-include $(shell find $(BUILD) -path $(BUILD)/deb -prune -o -name '*.d' -type f -print 2>/dev/null)
