/* For the tests of data sets: a temporary folder, for each test anew, that goes with all its content. */
#ifndef TESTS_DATA_IN_FOLDER_H
#define TESTS_DATA_IN_FOLDER_H

#include "../format/files.h"

static char folder[PATH_BYTES];

static int set_up(void **state)
{
    (void)state;
    open_folder(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* The path of a file in it, until the next call. */
static const char *in_folder(const char *name)
{
    static char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

#endif
