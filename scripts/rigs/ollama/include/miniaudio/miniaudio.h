// Stands in for the audio decoder that Ollama's module does not carry: every
// sound is refused, nothing else of Ollama is touched.
#pragma once
#include <cstddef>
typedef unsigned long long ma_uint64;
typedef int ma_result;
enum { MA_SUCCESS = 0, MA_ERROR = -1 };
enum ma_format { ma_format_f32 = 5 };
struct ma_decoder_config { int unused; };
struct ma_decoder { int unused; };
static inline ma_decoder_config ma_decoder_config_init(ma_format, unsigned, unsigned) { return ma_decoder_config{0}; }
static inline ma_result ma_decoder_init_memory(const void *, size_t, const ma_decoder_config *, ma_decoder *) { return MA_ERROR; }
static inline ma_result ma_decoder_get_length_in_pcm_frames(ma_decoder *, ma_uint64 *frames) { *frames = 0; return MA_ERROR; }
static inline ma_result ma_decoder_read_pcm_frames(ma_decoder *, void *, ma_uint64, ma_uint64 *frames) { *frames = 0; return MA_ERROR; }
static inline void ma_decoder_uninit(ma_decoder *) {}
