#include "driver/remedy.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { N_FAMILIES = 3, COMMAND_LEN = 4096 };

static const char *const family[N_FAMILIES] = {"debian", "fedora", "arch"};

/* %s is the subject. A row with only one command applies to all distributions. */
static const char *const commands[][N_FAMILIES] = {
    [REMEDY_INSTALL_CPU] = {"sudo apt-get install pocl-opencl-icd", "sudo dnf install pocl", "sudo pacman -S pocl"},
    [REMEDY_INSTALL_AMD] = {"sudo apt-get install mesa-opencl-icd, then export RUSTICL_ENABLE=radeonsi",
                            "sudo dnf install rocm-opencl", "sudo pacman -S rocm-opencl-runtime"},
    [REMEDY_INSTALL_INTEL] = {"sudo apt-get install intel-opencl-icd", "sudo dnf install intel-compute-runtime",
                              "sudo pacman -S intel-compute-runtime"},
    [REMEDY_INSTALL_NVIDIA] = {"sudo apt-get install nvidia-opencl-icd (Ubuntu: sudo ubuntu-drivers install)",
                               "sudo dnf install xorg-x11-drv-nvidia-cuda (from RPM Fusion)",
                               "sudo pacman -S opencl-nvidia"},
    [REMEDY_REINSTALL] = {"sudo apt-get install --reinstall \"$(dpkg -S '%s' | cut -d: -f1)\"",
                          "sudo dnf reinstall \"$(rpm -qf '%s')\"", "sudo pacman -S \"$(pacman -Qqo '%s')\""},
    [REMEDY_FIND_LIBRARY] = {"sudo apt-get install apt-file; sudo apt-file update; apt-file search '%s'",
                             "sudo dnf install '*/%s'", "sudo pacman -Fy '%s'"},
    [REMEDY_SET_ASIDE] = {"sudo mv '%s'{,.off}", NULL, NULL},
    [REMEDY_LET_IN] = {"sudo usermod -aG render,video \"$USER\", then log in again", NULL, NULL},
    [REMEDY_UNSET] = {"unset %s", NULL, NULL},
    [REMEDY_COMMAND] = {"%s", NULL, NULL},
};

/* The format comes from the table above; its one directive takes the subject. */
static void write_command(char *out, size_t len, const char *format, const char *subject)
{
    const char *hole = strstr(format, "%s");
    if (hole)
        snprintf(out, len, "%.*s%s%s", (int)(hole - format), format, subject, hole + 2);
    else
        snprintf(out, len, "%s", format);
}

void remedy_add(cJSON *findings, const char *what, enum remedy remedy, const char *subject)
{
    cJSON *finding = cJSON_CreateObject();
    cJSON_AddStringToObject(finding, "what", what);
    for (int i = 0; i < N_FAMILIES; ++i) {
        char command[COMMAND_LEN];
        const char *format = commands[remedy][i] ? commands[remedy][i] : commands[remedy][0];
        write_command(command, sizeof command, format, subject);
        cJSON_AddStringToObject(finding, family[i], command);
    }
    cJSON_AddItemToArray(findings, finding);
}
