/* Prints what is shown of one of the tests' pictures: print_shown page|status|metrics NAME. For a browser to
 * look at, and for the checks of dashboards and rules. */
#include "pictures.h"

#include "../../daemon/metrics.h"
#include "../../daemon/page.h"
#include "../../daemon/status_json.h"

int main(int argc, char **argv) {
    struct buffer buffer = {0};
    if (argc == 2 && strcmp(argv[1], "names") == 0) {
        for (size_t n = 0; metrics_family_name(n); n++)
            puts(metrics_family_name(n));
        return 0;
    }
    if (argc != 3)
        return 2;
    struct picture *picture = pictures_make(argv[2]);
    if (strcmp(argv[1], "page") == 0)
        page_write(&buffer, picture, "0123");
    else if (strcmp(argv[1], "status") == 0)
        status_json_write(&buffer, picture);
    else
        metrics_write(&buffer, picture);
    fwrite(buffer.text, 1, buffer.length, stdout);
    buffer_free(&buffer);
    picture_free(picture);
    return fflush(stdout) == 0 ? 0 : 1;
}
