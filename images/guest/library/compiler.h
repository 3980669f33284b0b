/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's names for what the compiler offers. */
#ifndef LIBRARY_COMPILER_H
#define LIBRARY_COMPILER_H

#define __printf(a, b)	__attribute__((__format__(printf, a, b)))
#define __aligned(bytes)	__attribute__((__aligned__(bytes)))

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* One access of the object's own size: never split, merged or left out. */
#define READ_ONCE(object)	__atomic_load_n(&(object), __ATOMIC_RELAXED)
#define WRITE_ONCE(object, value) \
	__atomic_store_n(&(object), value, __ATOMIC_RELAXED)

#endif /* LIBRARY_COMPILER_H */
