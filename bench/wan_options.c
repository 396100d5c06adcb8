#include "wan_options.h"

#include <getopt.h>
#include <stdlib.h>

#include "wan.h"

static void usage(FILE *out) {
    fputs(
        "Usage: wan --listen ADDRESS --to ADDRESS [--listen ... --to ...] [--delay-ms MS] [--port-file "
        "FILE]\n"
        "\n"
        "Relays connections with a delay, as if the two sides were far apart.\n"
        "\n"
        "  --listen ADDRESS   127.0.0.1:PORT (0: any free port) or unix:PATH\n"
        "  --to ADDRESS       where its connections go; up to 16 pairs\n"
        "  --delay-ms MS      one-way delay, 0 to 60000, fractions allowed; default 40, a round trip of 80\n"
        "  --port-file FILE   written when all listen: a line for each --listen, its port or path\n"
        "\n"
        "Signals: USR1 cuts the line (connections stay, nothing moves), USR2 heals it, TERM ends the relay.\n"
        "Standard output tells of each: `listening on`, `partitioned`, `healed`, and how late chunks were at "
        "the end.\n"
        "Only loopback addresses are taken. A new connection's handshake is accounted for: two round trips "
        "pass\n"
        "from connect() to the server's first byte.\n",
        out);
}

static void refuse(const char *what, const char *value) {
    fprintf(stderr, "wan: %s: %s; see wan --help\n", what, value);
    exit(2);
}

void options_read(int argc, char **argv, struct options *options) {
    static const struct option known[] = {
        {"listen", required_argument, NULL, 'l'},   {"to", required_argument, NULL, 't'},
        {"delay-ms", required_argument, NULL, 'd'}, {"port-file", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    *options = (struct options){.port_file = NULL};
    size_t targets = 0;
    double delay_ms = 40;
    char *rest;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        switch (option) {
        case 'l':
            if (options->route_count == OPTIONS_ROUTES_MAX ||
                !address_parse(optarg, &options->routes[options->route_count++].from))
                refuse("--listen takes up to 16 times 127.0.0.1:PORT or unix:PATH", optarg);
            break;
        case 't':
            if (targets == OPTIONS_ROUTES_MAX || !address_parse(optarg, &options->routes[targets++].to))
                refuse("--to takes up to 16 times 127.0.0.1:PORT or unix:PATH", optarg);
            break;
        case 'd':
            delay_ms = strtod(optarg, &rest);
            if (rest == optarg || *rest || !(delay_ms >= 0 && delay_ms <= 60000))
                refuse("--delay-ms takes 0 to 60000", optarg);
            break;
        case 'p':
            options->port_file = optarg;
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind < argc)
        refuse("not an option", argv[optind]);
    if (!options->route_count || targets != options->route_count) {
        usage(stderr);
        exit(2);
    }
    options->delay_ns = (int64_t)(delay_ms * (double)WAN_NS_PER_MS);
}
