/* One tier: compiled once for each set of instructions, with SB_TIER its name. */
#include "distributions.h"
#include "words.h"

#define SB_PASTE(a, b) a##b
#define SB_NAMED(a, b) SB_PASTE(a, b)
#define SB_TEXT(a) #a
#define SB_QUOTED(a) SB_TEXT(a)

const sb_tier SB_NAMED(sb_tier_, SB_TIER) = {
    .name = SB_QUOTED(SB_TIER),
    .at_once = SB_AT_ONCE,
    .words = sb_words,
    .distributions =
        {
            [SB_INTEGER] = {[SB_U8] = sb_integer_u8, [SB_U16] = sb_integer_u16, [SB_U32] = sb_integer_u32,
                            [SB_U64] = sb_integer_u64},
            [SB_UNIFORM] = {[SB_F16] = sb_uniform_f16, [SB_BF16] = sb_uniform_bf16, [SB_F32] = sb_uniform_f32,
                            [SB_F64] = sb_uniform_f64},
            [SB_NORMAL] = {[SB_F16] = sb_normal_f16, [SB_BF16] = sb_normal_bf16, [SB_F32] = sb_normal_f32,
                           [SB_F64] = sb_normal_f64},
            [SB_EXPONENTIAL] = {[SB_F16] = sb_exponential_f16, [SB_BF16] = sb_exponential_bf16,
                                [SB_F32] = sb_exponential_f32, [SB_F64] = sb_exponential_f64},
            [SB_BERNOULLI] = {sb_bernoulli_u8, sb_bernoulli_u16, sb_bernoulli_u32, sb_bernoulli_u64,
                              sb_bernoulli_f16, sb_bernoulli_bf16, sb_bernoulli_f32, sb_bernoulli_f64},
            [SB_DROPOUT] = {[SB_F16] = sb_dropout_f16, [SB_BF16] = sb_dropout_bf16, [SB_F32] = sb_dropout_f32,
                            [SB_F64] = sb_dropout_f64},
            [SB_TRUNCATED] = {[SB_F16] = sb_truncated_f16, [SB_BF16] = sb_truncated_bf16,
                              [SB_F32] = sb_truncated_f32, [SB_F64] = sb_truncated_f64},
        },
};
