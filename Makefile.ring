# The ring daemon's share of the build; included by Makefile.

DAEMON_PURE    = daemon/link.c daemon/ring.c
DAEMON_SOURCES = $(DAEMON_PURE)
DAEMON_TESTS   = $(BUILD)/test_ring $(BUILD)/test_link

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/test_ring $(BUILD)/test_link: $(BUILD)/test_%: $(BUILD)/tests/unit/test_%.o $(DAEMON_PURE:%.c=$(BUILD)/%.o)
	$(CC) $(LDFLAGS) $^ -lcmocka -o $@

.PHONY: check-daemon-unit
check-daemon-unit: $(DAEMON_TESTS)
	@for test in $(DAEMON_TESTS); do $$test || exit 1; done

-include $(wildcard $(BUILD)/daemon/*.d $(BUILD)/tests/unit/*.d)
