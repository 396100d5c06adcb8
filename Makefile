# Roundabout. Everything that is built goes into build/.
#
#   make            build/libroundabout.so, build/roundabout, build/roundaboutd
#   make deps       installs what is missing (apt-get; elsewhere it names the packages)
#   make check      all tests
#   make check-ring             the ring under faults, with a table
#   make check-drivers          the drivers' own test suites, test by test, with a table
#   make check-libmysqlclient   the live tests on Oracle's client library, on MariaDB and on MySQL
#   make demo       the main job, shown on throwaway servers
#   make bench-overhead          the shim's own cost in nanoseconds
#   make asan tsan valgrind      the fast tests under the sanitizers

BUILD ?= build
CC ?= cc
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
ifdef CI
WARNINGS += -Werror
endif
OPTIMISE ?= -O2
SANITIZE ?=
HARDENING = -fstack-protector-strong $(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
CFLAGS_ALL = -std=gnu11 -g $(OPTIMISE) $(HARDENING) $(WARNINGS) $(SANITIZE) -fPIC -fvisibility=hidden -MMD -MP $(CFLAGS)
LDFLAGS_ALL = -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)

CONFIG = config/config.c config/settings.c
PURE   = shim/lex.c shim/lex_modes.c shim/sql_keywords.c shim/sql_functions.c \
         shim/sql_read.c shim/sql_expression.c shim/sql_tables.c shim/sql_query.c shim/sql_write.c shim/sql_set.c shim/sql.c \
         shim/route.c
SHIM   = $(PURE) $(CONFIG) \
         shim/real.c shim/late.c shim/process.c \
         shim/log.c shim/setup.c shim/options.c \
         shim/session.c shim/snapshot.c shim/handle.c \
         shim/breaker.c shim/verdict.c \
         shim/local.c shim/local_life.c shim/local_open.c shim/local_step.c \
         shim/command.c shim/descriptor.c \
         shim/intercept_connect.c shim/intercept_command.c \
         shim/intercept_query.c shim/intercept_send.c \
         shim/intercept_result.c shim/intercept_answer.c \
         shim/intercept_statement.c \
         shim/intercept_async.c
CLI    = cli/main.c \
         cli/run.c \
         cli/explain.c $(PURE) \
         cli/check.c daemon/preflight.c \
         cli/status.c \
         cli/look.c daemon/observe.c daemon/server.c \
         $(CONFIG) $(DAEMON_PURE)
DAEMON_PURE = daemon/link.c daemon/ring.c daemon/script.c daemon/dialect.c daemon/quote.c
DAEMON_REST = daemon/observe.c daemon/heartbeat.c daemon/watch.c daemon/memory.c daemon/site.c \
              daemon/turn.c \
              daemon/log.c
DAEMON      = $(DAEMON_PURE) $(DAEMON_REST) \
              daemon/server.c \
              daemon/notify.c
UNIT   = config lex sql route session ring link script turn preflight

# The shim opens libconfig by this name when it needs it (shim/late.c).
LIBCONFIG_SONAME := $(shell readelf -d "$$($(CC) -print-file-name=libconfig.so)" 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

all: $(BUILD)/libroundabout.so $(BUILD)/roundabout $(BUILD)/roundaboutd

# The client library's headers and libraries are the daemon's and the command's alone: the shim meets whatever the application has.
MYSQL_CFLAGS ?= $(shell mariadb_config --include 2>/dev/null || mysql_config --include)
MYSQL_LIBS   ?= $(shell mariadb_config --libs 2>/dev/null || mysql_config --libs)
SYSTEMD_LIBS := $(shell pkg-config --libs libsystemd 2>/dev/null)
$(BUILD)/daemon/server.o: CFLAGS_ALL += $(MYSQL_CFLAGS)
$(BUILD)/daemon/notify.o: CFLAGS_ALL += $(if $(SYSTEMD_LIBS),-DHAVE_SYSTEMD)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(BUILD)/shim/late.o: CFLAGS_ALL += -DLIBCONFIG_SONAME='"$(LIBCONFIG_SONAME)"'

$(BUILD)/libroundabout.so: $(call objects,$(SHIM)) shim/exports.map
	$(CC) -shared $(LDFLAGS_ALL) -Wl,--version-script=shim/exports.map -Wl,-z,defs -o $@ $(call objects,$(SHIM)) -ldl -lpthread

$(BUILD)/roundabout: $(call objects,$(CLI))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lconfig $(MYSQL_LIBS) -lpthread

$(BUILD)/roundaboutd: $(call objects,daemon/main.c $(DAEMON) $(CONFIG))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(MYSQL_LIBS) $(SYSTEMD_LIBS) -lconfig -lpthread

$(BUILD)/wan: $(call objects,bench/wan.c)
	$(CC) $(LDFLAGS_ALL) -o $@ $^

# --- tests

$(BUILD)/tests/unit/test_config: LINK_MORE = -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=strndup
$(BUILD)/tests/unit/test_config: $(call objects,tests/unit/test_config.c $(CONFIG))
$(BUILD)/tests/unit/test_lex: $(call objects,tests/unit/test_lex.c $(PURE))
$(BUILD)/tests/unit/test_sql: $(call objects,tests/unit/test_sql.c $(PURE))
$(BUILD)/tests/unit/test_route: $(call objects,tests/unit/test_route.c $(PURE))
$(BUILD)/tests/unit/test_session: $(call objects,tests/unit/test_session.c $(PURE) shim/session.c)
$(BUILD)/tests/unit/test_ring: $(call objects,tests/unit/test_ring.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_link: $(call objects,tests/unit/test_link.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_script: $(call objects,tests/unit/test_script.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_preflight: $(call objects,tests/unit/test_preflight.c daemon/preflight.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_turn: $(call objects,tests/unit/test_turn.c $(DAEMON_PURE) $(DAEMON_REST))
$(addprefix $(BUILD)/tests/unit/test_,$(UNIT)):
	$(CC) $(LDFLAGS_ALL) $(LINK_MORE) -o $@ $^ -lcmocka -lconfig -lpthread
$(BUILD)/tests/unit/print_settings: $(call objects,tests/unit/print_settings.c $(CONFIG))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lconfig

unit: $(addprefix $(BUILD)/tests/unit/test_,$(UNIT)) $(BUILD)/tests/unit/print_settings

# --- the shim over a fake client library
PRELOAD = $(BUILD)/tests/preload
FAKES   = $(PRELOAD)/libmariadb.so.3 $(PRELOAD)/libmysqlclient.so.24
CLOSED  = $(PRELOAD)/closed/libmariadb.so.3 $(PRELOAD)/closed/libmysqlclient.so.24
PRELOAD_TESTS = answers pending handles transactions step outage async threads memory

$(PRELOAD)/fake_client.mariadb.o: CFLAGS_ALL += -DFAKE_MARIADB -fsemantic-interposition
$(PRELOAD)/fake_client.oracle.o: CFLAGS_ALL += -fsemantic-interposition
$(PRELOAD)/fake_client.mariadb.o $(PRELOAD)/fake_client.oracle.o: tests/preload/fake_client.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(PRELOAD)/libfakeserver.so: $(PRELOAD)/fake_server.o
	$(CC) -shared $(LDFLAGS_ALL) -Wl,-soname,libfakeserver.so -o $@ $^
$(PRELOAD)/libmariadb.so.3 $(PRELOAD)/closed/libmariadb.so.3: MAP = mariadb
$(PRELOAD)/libmysqlclient.so.24 $(PRELOAD)/closed/libmysqlclient.so.24: MAP = oracle
$(CLOSED): LINK_MORE = -Wl,-Bsymbolic
$(PRELOAD)/libmariadb.so.3 $(PRELOAD)/closed/libmariadb.so.3: $(PRELOAD)/fake_client.mariadb.o
$(PRELOAD)/libmysqlclient.so.24 $(PRELOAD)/closed/libmysqlclient.so.24: $(PRELOAD)/fake_client.oracle.o
$(FAKES) $(CLOSED): $(PRELOAD)/libfakeserver.so tests/preload/fake_mariadb.map tests/preload/fake_oracle.map
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS_ALL) $(LINK_MORE) -Wl,-soname,$(@F) -Wl,--version-script=tests/preload/fake_$(MAP).map \
	    -Wl,-rpath,'$$ORIGIN' -o $@ $(PRELOAD)/fake_client.$(MAP).o $(PRELOAD)/libfakeserver.so

$(addprefix $(PRELOAD)/mariadb_test_,$(PRELOAD_TESTS)): CLIENT = $(PRELOAD)/libmariadb.so.3
$(addprefix $(PRELOAD)/oracle_test_,$(PRELOAD_TESTS)): CLIENT = $(PRELOAD)/libmysqlclient.so.24
$(addprefix $(PRELOAD)/mariadb_test_,$(PRELOAD_TESTS)): $(PRELOAD)/mariadb_test_%: $(PRELOAD)/test_%.o $(PRELOAD)/claims.o $(FAKES)
$(addprefix $(PRELOAD)/oracle_test_,$(PRELOAD_TESTS)): $(PRELOAD)/oracle_test_%: $(PRELOAD)/test_%.o $(PRELOAD)/claims.o $(FAKES)
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
C_APP      = $(addprefix $(LIVE)/,c_app.c tell.c text.c results.c answers.c session.c prepared.c non_blocking.c process.c orders.c)
LIVE_APPS  = $(addprefix $(BUILD)/tests/live/,c_app loader module.so)
LIVE_CFLAGS = -std=gnu11 -g -O2 $(WARNINGS)
$(BUILD)/tests/live/c_app: $(C_APP) $(LIVE)/c_app.h
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) $(MYSQL_CFLAGS) -o $@ $(C_APP) $(MYSQL_LIBS) -lpthread
$(BUILD)/tests/live/loader: $(LIVE)/loader.c
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) -o $@ $< -ldl
$(BUILD)/tests/live/module.so: $(LIVE)/module.c
	@mkdir -p $(@D)
	$(CC) $(LIVE_CFLAGS) -fPIC -shared $(MYSQL_CFLAGS) -o $@ $< $(MYSQL_LIBS)

# --- what a person runs

PYTHON = /usr/bin/python3
RUN = $(PYTHON) tests/run.py
UNIT_RUNS = $(foreach u,$(UNIT),"unit $(u)=$(UNDER) $(BUILD)/tests/unit/test_$(u)")

deps:
	@sh tests/deps.sh

check: deps
	+@$(MAKE) --no-print-directory all unit preload $(BUILD)/wan $(LIVE_APPS)
	@BUILD=$(abspath $(BUILD)) $(RUN) "layers=tests/check_layers.sh" \
	    "settings=tests/check_settings.py $(BUILD)/tests/unit/print_settings config/roundabout.conf" $(UNIT_RUNS) \
	    "preload=$(PYTHON) tests/run_preload.py $(BUILD)" \
	    "live wan=$(PYTHON) tests/live/test_wan.py" \
	    "live shim=$(PYTHON) tests/live/test_shim.py" \
	    "live failure=$(PYTHON) tests/live/test_shim_failure.py" \
	    "live run=$(PYTHON) tests/live/test_shim_run.py" \
	    "traps=$(PYTHON) tests/check_traps.py" \
	    "live failure, libmysqlclient=TEST_CLIENT=oracle $(PYTHON) tests/live/test_shim_failure.py" \
	    "live ring=$(PYTHON) tests/live/test_ring.py" \
	    "live ring on MySQL=$(PYTHON) tests/live/test_ring_mysql.py"

# The ring under faults, at the daemon's own default times: some minutes for each kind of server.
check-ring: deps
	+@$(MAKE) --no-print-directory all $(BUILD)/wan
	@echo "MariaDB:"; BUILD=$(BUILD) $(PYTHON) tests/live/ring_faults.py
	@echo "MySQL:"; BUILD=$(BUILD) $(PYTHON) tests/live/ring_faults.py --mysql

# The drivers' own test suites, with the shim what they are without it. UNDER: a command that runs them, valgrind say.
check-drivers: deps
	+@$(MAKE) --no-print-directory all
	@BUILD=$(abspath $(BUILD)) $(PYTHON) tests/live/test_drivers.py

# Everything live again on Oracle's client library, on both kinds of servers: ten minutes or so.
LIVE_SHIM = "live shim=$(PYTHON) tests/live/test_shim.py" "live failure=$(PYTHON) tests/live/test_shim_failure.py" \
            "live run=$(PYTHON) tests/live/test_shim_run.py"
check-libmysqlclient: deps
	+@$(MAKE) --no-print-directory all $(LIVE_APPS)
	@status=0; for server in mariadb mysql; do echo "libmysqlclient on $$server:"; \
	    BUILD=$(abspath $(BUILD)) TEST_CLIENT=oracle TEST_SERVER=$$server $(RUN) $(LIVE_SHIM) || status=1; done; exit $$status

# The tests that need no server, under a sanitizer. Its runtime must come before the preloaded library.
fast:
	+@$(MAKE) --no-print-directory unit preload
	@BUILD=$(BUILD) $(RUN) $(UNIT_RUNS) "preload=$(PYTHON) tests/run_preload.py $(BUILD) --quick $(PRELOAD_OPTIONS)"

asan: deps
	+@$(MAKE) --no-print-directory fast BUILD=$(BUILD)/asan OPTIMISE=-O1 \
	    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
	    PRELOAD_OPTIONS="--before $$($(CC) -print-file-name=libasan.so)"

tsan: deps
	+@$(MAKE) --no-print-directory fast BUILD=$(BUILD)/tsan OPTIMISE=-O1 SANITIZE="-fsanitize=thread" \
	    PRELOAD_OPTIONS="--before $$($(CC) -print-file-name=libtsan.so)"

# Left out: coroutine stacks that it takes for overruns, and what it makes take minutes; ASan and TSan see these.
VALGRIND = valgrind -q --error-exitcode=9 --suppressions=tests/preload/valgrind.supp
valgrind: deps
	+@$(MAKE) --no-print-directory fast BUILD=$(BUILD)/valgrind OPTIMISE=-O1 UNDER="$(VALGRIND)" \
	    PRELOAD_OPTIONS="--skip async,memory,threads --wrapper '$(VALGRIND)'"

demo: deps
	+@$(MAKE) --no-print-directory all $(BUILD)/wan
	@BUILD=$(BUILD) $(PYTHON) bench/demo.py
	@BUILD=$(BUILD) $(PYTHON) bench/demo_ring.py

$(BUILD)/bench/overhead: $(call objects,bench/overhead.c) $(PRELOAD)/libmariadb.so.3 $(PRELOAD)/libfakeserver.so
	$(CC) $(LDFLAGS_ALL) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN/../tests/preload' -o $@ $^ -lpthread

bench-overhead: $(BUILD)/libroundabout.so $(BUILD)/bench/overhead
	@$(PYTHON) bench/overhead.py $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all unit preload fast deps check check-ring check-drivers check-libmysqlclient asan tsan valgrind demo bench-overhead clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
