# The ring daemon's share of the build; included by Makefile.

MYSQL_CFLAGS ?= $(shell mariadb_config --include 2>/dev/null || mysql_config --include)
MYSQL_LIBS   ?= $(shell mariadb_config --libs 2>/dev/null || mysql_config --libs)
SYSTEMD_LIBS := $(shell pkg-config --libs libsystemd 2>/dev/null)

DAEMON_PURE = daemon/link.c daemon/ring.c daemon/script.c daemon/dialect.c daemon/quote.c
DAEMON_REST = daemon/observe.c daemon/heartbeat.c daemon/watch.c daemon/memory.c daemon/site.c daemon/turn.c daemon/log.c
DAEMON      = $(DAEMON_PURE) $(DAEMON_REST) daemon/server.c daemon/notify.c
DAEMON_UNIT = ring link script turn preflight
RING_CLI    = cli/check.c cli/status.c cli/look.c daemon/preflight.c daemon/observe.c daemon/server.c $(DAEMON_PURE)

$(BUILD)/daemon/server.o: CFLAGS_ALL += $(MYSQL_CFLAGS)
$(BUILD)/daemon/notify.o: CFLAGS_ALL += $(if $(SYSTEMD_LIBS),-DHAVE_SYSTEMD)

$(BUILD)/roundaboutd: $(call objects,daemon/main.c $(DAEMON) $(CONFIG))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(MYSQL_LIBS) $(SYSTEMD_LIBS) -lconfig -lpthread

$(BUILD)/tests/unit/test_ring: $(call objects,tests/unit/test_ring.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_link: $(call objects,tests/unit/test_link.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_script: $(call objects,tests/unit/test_script.c $(DAEMON_PURE))
$(BUILD)/tests/unit/test_preflight: $(call objects,tests/unit/test_preflight.c daemon/preflight.c $(DAEMON_PURE))
# Its server is a fake one.
$(BUILD)/tests/unit/test_turn: $(call objects,tests/unit/test_turn.c $(DAEMON_PURE) $(DAEMON_REST))
$(addprefix $(BUILD)/tests/unit/test_,$(DAEMON_UNIT)):
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka -lpthread

.PHONY: check-ring-unit
unit: $(addprefix $(BUILD)/tests/unit/test_,$(DAEMON_UNIT))
check-ring-unit: $(addprefix $(BUILD)/tests/unit/test_,$(DAEMON_UNIT))
	@for test in $^; do $$test || exit 1; done

# The daemon on real servers, in short; and under faults at its default times, which takes some minutes.
RING_CHECKS = $(foreach u,$(DAEMON_UNIT),"unit $(u)=$(BUILD)/tests/unit/test_$(u)") \
              "live ring=/usr/bin/python3 tests/live/test_ring.py" \
              "live ring on MySQL=/usr/bin/python3 tests/live/test_ring_mysql.py"
.PHONY: check-ring
check-ring:
	+@$(MAKE) --no-print-directory all $(BUILD)/wan
	@echo "MariaDB:"; BUILD=$(BUILD) /usr/bin/python3 tests/live/ring_faults.py
	@echo "MySQL:"; BUILD=$(BUILD) /usr/bin/python3 tests/live/ring_faults.py --mysql
