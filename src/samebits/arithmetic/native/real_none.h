/* After real32.h or real64.h: its names are nobody's again. */
#undef R
#undef V
#undef VI
#undef W
#undef LOAD
#undef STORE
#undef ALL
#undef FMA
#undef ROOT
#undef MAGNITUDE
#undef N
#undef COUNT
