# The ring daemon's share of the build; included by Makefile.

MYSQL_CFLAGS ?= $(shell mariadb_config --include 2>/dev/null || mysql_config --include)
MYSQL_LIBS   ?= $(shell mariadb_config --libs 2>/dev/null || mysql_config --libs)
SYSTEMD_LIBS := $(shell pkg-config --libs libsystemd 2>/dev/null)

DAEMON_PURE    = daemon/link.c daemon/ring.c daemon/script.c daemon/dialect.c daemon/quote.c
DAEMON_SOURCES = $(DAEMON_PURE) daemon/server.c daemon/observe.c daemon/heartbeat.c daemon/watch.c daemon/turn.c \
                 daemon/log.c daemon/notify.c
DAEMON_TESTS   = $(BUILD)/test_ring $(BUILD)/test_link

$(BUILD)/daemon/server.o: CPPFLAGS += $(MYSQL_CFLAGS)
$(BUILD)/daemon/notify.o: CPPFLAGS += $(if $(SYSTEMD_LIBS),-DHAVE_SYSTEMD)

$(BUILD)/roundaboutd: $(BUILD)/daemon/main.o $(DAEMON_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/config/config.o
	$(CC) $(LDFLAGS) $^ $(MYSQL_LIBS) $(SYSTEMD_LIBS) -lconfig -lpthread -o $@

$(BUILD)/test_ring $(BUILD)/test_link: $(BUILD)/test_%: $(BUILD)/tests/unit/test_%.o $(DAEMON_PURE:%.c=$(BUILD)/%.o)
	$(CC) $(LDFLAGS) $^ -lcmocka -o $@

.PHONY: check-daemon-unit
check-daemon-unit: $(DAEMON_TESTS)
	@for test in $(DAEMON_TESTS); do $$test || exit 1; done

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/wan: bench/wan.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $< -o $@

-include $(wildcard $(BUILD)/daemon/*.d $(BUILD)/tests/unit/*.d $(BUILD)/config/*.d)
