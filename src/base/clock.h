/* Seconds, of a clock and of the processors. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <sys/types.h>

/* Of a clock that only runs forward, from an arbitrary start. */
double clock_seconds(void);

/* That the threads of a process have computed; 0 when there is no such process. */
double clock_processor_seconds(pid_t process);

#endif
