// What jemalloc reads when a program begins, where it is linked (docs/decisions/0010). A turn makes some
// sixty objects of each kind before it frees the first of them: a thread keeps eight times as many free ones
// as it would by itself, so that neither has to go to what all threads share.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "lg_tcache_nslots_mul:3";
}
