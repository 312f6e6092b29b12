/* Seconds of a clock that only runs forward, from an arbitrary start. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

double clock_seconds(void);

#endif
