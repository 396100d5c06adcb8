/* Texts from elsewhere on standard output. */
#ifndef ROUNDABOUT_TEXT_H
#define ROUNDABOUT_TEXT_H

#include <stddef.h>

/* The inside of a JSON string. A byte that is no UTF-8 comes out as the character that stands for such
 * things. */
void text_print_json(const char *text, size_t size);

/* For people: control characters would play with their terminal. */
void text_print_plain(const char *text, size_t size);

#endif
