#include "quote.h"

bool quote_text(const char *value, char *quoted, size_t size) {
    size_t used = 0;
    if (size < 3)
        return false;
    quoted[used++] = '\'';
    for (; *value; value++) {
        if (used + 4 > size)
            return false;
        if (*value == '\'' || *value == '\\')
            quoted[used++] = *value == '\'' ? '\'' : '\\';
        quoted[used++] = *value;
    }
    quoted[used++] = '\'';
    quoted[used] = '\0';
    return true;
}
