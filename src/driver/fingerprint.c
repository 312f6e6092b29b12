#include "driver/fingerprint.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "device/properties.h"

#include "driver/environment.h"

void fingerprint_file(const char *path, char *stamp, size_t len)
{
    struct stat info;
    if (stat(path, &info) < 0)
        snprintf(stamp, len, "missing");
    else
        snprintf(stamp, len, "%lld %lld.%09ld", (long long)info.st_size, (long long)info.st_mtim.tv_sec,
                 info.st_mtim.tv_nsec);
}

void fingerprint_boot(char *text, size_t len)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || !fgets(text, (int)len, file))
        snprintf(text, len, "?");
    if (file)
        fclose(file);
    text[strcspn(text, "\n")] = '\0';
}

static void add_stamp(struct text *key, const char *path)
{
    char stamp[64];
    fingerprint_file(path, stamp, sizeof stamp);
    text_printf(key, "file %s %s\n", path, stamp);
}

static int is_accelerator(const struct dirent *entry)
{
    return strncmp(entry->d_name, "renderD", 7) == 0 || strncmp(entry->d_name, "nvidia", 6) == 0 ||
           strcmp(entry->d_name, "kfd") == 0;
}

/* A driver finds a device only if its kernel module is loaded and gives this user access. */
static void add_nodes(struct text *key, const char *folder)
{
    struct dirent **entry = NULL;
    const int n = scandir(folder, &entry, is_accelerator, alphasort);
    for (int i = 0; i < n; ++i) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        text_printf(key, "node %s%s\n", path, access(path, R_OK | W_OK) == 0 ? "" : " closed");
        free(entry[i]);
    }
    free(entry);
}

/* Folders that the dynamic loader searches: their time changes when a file is added or removed. */
static void add_folders(struct text *key, const char *list)
{
    char path[PATH_MAX];
    while (list && *list) {
        const size_t len = strcspn(list, ":");
        snprintf(path, sizeof path, "%.*s", (int)len, list);
        if (len > 0)
            add_stamp(key, path);
        list += len + (list[len] == ':');
    }
}

enum dae_status fingerprint_driver(const struct icd *icd, int format, struct text *key, struct error *err)
{
    struct utsname system;
    struct environment environment;
    TRY(environment_read(&environment, err));
    text_printf(key, "probe %d\nicd %s\nlibrary %s\n", format, icd->path, icd->library);
    if (strchr(icd->library, '/'))
        add_stamp(key, icd->library);
    add_stamp(key, "/etc/ld.so.cache"); /* changes whenever a package with libraries is installed or removed */
    add_folders(key, getenv("LD_LIBRARY_PATH"));
    if (uname(&system) == 0) /* the host's name: home folders are shared between machines */
        text_printf(key, "system %s %s\n", system.nodename, system.release);
    char processor[512]; /* a virtual machine may move to another one while it runs */
    properties_processor(processor, sizeof processor);
    text_printf(key, "%s\n", processor);
    add_nodes(key, "/dev");
    add_nodes(key, "/dev/dri");
    for (int i = 0; i < environment.n; ++i)
        text_printf(key, "%s\n", environment.variable[i].text);
    environment_release(&environment);
    return key->failed ? error_no_memory(err, "probe", key->len) : DAE_OK;
}
