# Roundabout. Everything that is built goes into build/.
#
#   make            build/libroundabout.so, build/roundabout
#   make deps       installs what is missing (apt-get; elsewhere it names the packages)
#   make check      all tests
#   make check-ring             the ring under faults, with a table
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

CONFIG = config/config.c
PURE   = shim/lex.c shim/lex_modes.c shim/sql_keywords.c shim/sql_functions.c shim/sql_read.c shim/sql_expression.c shim/sql_tables.c shim/sql_query.c shim/sql_write.c shim/sql_set.c shim/sql.c shim/route.c
SHIM   = $(PURE) $(CONFIG) shim/real.c shim/late.c shim/log.c shim/setup.c shim/options.c shim/session.c shim/snapshot.c shim/handle.c \
         shim/breaker.c shim/verdict.c shim/local.c shim/local_life.c shim/local_open.c shim/local_step.c shim/command.c shim/intercept_connect.c shim/intercept_query.c shim/intercept_send.c shim/descriptor.c shim/intercept_result.c \
         shim/intercept_answer.c shim/intercept_command.c shim/intercept_statement.c shim/intercept_async.c
CLI    = cli/main.c cli/run.c cli/explain.c $(PURE) $(CONFIG) $(RING_CLI)
UNIT   = config lex sql route session

# The shim opens libconfig by this name when it needs it (shim/late.c).
LIBCONFIG_SONAME := $(shell readelf -d "$$($(CC) -print-file-name=libconfig.so)" 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

all: $(BUILD)/libroundabout.so $(BUILD)/roundabout $(BUILD)/roundaboutd

include Makefile.ring

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(BUILD)/shim/late.o: CFLAGS_ALL += -DLIBCONFIG_SONAME='"$(LIBCONFIG_SONAME)"'

$(BUILD)/libroundabout.so: $(call objects,$(SHIM)) shim/exports.map
	$(CC) -shared $(LDFLAGS_ALL) -Wl,--version-script=shim/exports.map -Wl,-z,defs -o $@ $(call objects,$(SHIM)) -ldl -lpthread

$(BUILD)/roundabout: $(call objects,$(CLI))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lconfig $(MYSQL_LIBS) -lpthread

$(BUILD)/wan: $(call objects,bench/wan.c)
	$(CC) $(LDFLAGS_ALL) -o $@ $^

# --- tests

$(BUILD)/tests/unit/test_config: LINK_MORE = -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=strndup
$(BUILD)/tests/unit/test_config: $(call objects,tests/unit/test_config.c $(CONFIG))
$(BUILD)/tests/unit/test_lex: $(call objects,tests/unit/test_lex.c $(PURE))
$(BUILD)/tests/unit/test_sql: $(call objects,tests/unit/test_sql.c $(PURE))
$(BUILD)/tests/unit/test_route: $(call objects,tests/unit/test_route.c $(PURE))
$(BUILD)/tests/unit/test_session: $(call objects,tests/unit/test_session.c $(PURE) shim/session.c)
$(addprefix $(BUILD)/tests/unit/test_,$(UNIT)):
	$(CC) $(LDFLAGS_ALL) $(LINK_MORE) -o $@ $^ -lcmocka -lconfig
$(BUILD)/tests/unit/print_settings: $(call objects,tests/unit/print_settings.c $(CONFIG))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lconfig

unit: $(addprefix $(BUILD)/tests/unit/test_,$(UNIT)) $(BUILD)/tests/unit/print_settings

deps:
	@sh tests/deps.sh

# A program under the sanitizers needs their runtime before the preloaded library's.
RUN = /usr/bin/python3 tests/run.py
UNIT_RUNS = $(foreach u,$(UNIT),"unit $(u)=$(BUILD)/tests/unit/test_$(u)")

check: deps
	+@$(MAKE) --no-print-directory all unit $(BUILD)/wan
	@BUILD=$(BUILD) $(RUN) "layers=tests/check_layers.sh" \
	    "settings=tests/check_settings.py $(BUILD)/tests/unit/print_settings config/roundabout.conf" $(UNIT_RUNS) \
	    "live wan=/usr/bin/python3 tests/live/test_wan.py" $(RING_CHECKS)

demo: deps
	+@$(MAKE) --no-print-directory all $(BUILD)/wan
	@BUILD=$(BUILD) /usr/bin/python3 bench/demo.py
	@BUILD=$(BUILD) /usr/bin/python3 bench/demo_ring.py

clean:
	rm -rf $(BUILD)

.PHONY: all unit deps check demo clean asan tsan valgrind bench-overhead
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
