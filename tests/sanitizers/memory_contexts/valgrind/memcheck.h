/*
 * What PostgreSQL tells Valgrind of its memory contexts and buffers, told to AddressSanitizer.
 *
 * palloc() hands out pieces of large blocks, of which the sanitizer sees only the blocks. PostgreSQL marks each piece
 * by these requests when it is built with USE_VALGRIND (utils/memdebug.h); a directory with this file comes before
 * Valgrind's own. Then the end of a piece, a piece that was freed and a page that is not pinned are guarded, too.
 *
 * AddressSanitizer knows no undefined bytes, so that "undefined" is accessible and nothing checks what is defined. What a
 * pool is told has no size; aset.c, generation.c and slab.c wipe what is freed, by requests that have one.
 */
#pragma once
#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_NOACCESS(address, size) __asan_poison_memory_region(address, size)
#define VALGRIND_MAKE_MEM_DEFINED(address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, size) ((void) 0)
#define VALGRIND_GET_VBITS(address, bits, size) ((void) 0)
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, zeroed) ((void) 0)
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void) 0)
#define VALGRIND_MEMPOOL_ALLOC(pool, address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_MEMPOOL_FREE(pool, address) ((void) 0)
#define VALGRIND_MEMPOOL_CHANGE(pool, before, after, size) __asan_unpoison_memory_region(after, size)
