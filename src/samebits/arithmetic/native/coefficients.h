/* Coefficients of the functions' polynomials, from the constant term on.  The definition has the same in
   reference/coefficients.py; what each polynomial approximates is said there. */
#ifndef SAMEBITS_ARITHMETIC_COEFFICIENTS_H
#define SAMEBITS_ARITHMETIC_COEFFICIENTS_H

static const float SB_EXP[] = {
    0x1p-1f, 0x1.55549p-3f, 0x1.5554c8p-5f, 0x1.123ad8p-7f, 0x1.6d7154p-10f
};
static const float SB_EXPM1[] = {
    0x1p-1f, 0x1.555556p-3f, 0x1.5554e8p-5f, 0x1.111p-7f, 0x1.6d4ce6p-10f, 0x1.a24bf2p-13f
};
static const float SB_EXP2[] = {
    0x1.62e43p-1f, 0x1.ebfbep-3f, 0x1.c6af7ap-5f, 0x1.3b2a28p-7f, 0x1.5f096p-10f, 0x1.4447b4p-13f
};
static const float SB_LOG[] = {
    -0x1p-1f, 0x1.55550cp-2f, -0x1.fffe5ep-3f, 0x1.99ce34p-3f, -0x1.55b7eep-3f, 0x1.1ef264p-3f,
    -0x1.f03b82p-4f, 0x1.1defc4p-3f, -0x1.0e2bc2p-3f
};
static const float SB_LOG2[] = {
    -0x1.715478p-1f, 0x1.ec702ap-2f, -0x1.715272p-2f, 0x1.279e88p-2f, -0x1.ed234ap-3f, 0x1.9dc6f4p-3f,
    -0x1.64ad2ap-3f, 0x1.9d64a4p-3f, -0x1.89df1p-3f
};
static const float SB_LOG10[] = {
    -0x1.bcb7b2p-3f, 0x1.287a7ap-3f, -0x1.bcb666p-4f, 0x1.63c2a4p-4f, -0x1.28c268p-4f, 0x1.fd46e6p-5f,
    -0x1.b0c81ap-5f, 0x1.7ab70ep-5f, -0x1.cd228cp-5f, 0x1.b9976ep-5f
};
static const float SB_TANH[] = {
    -0x1.55553ep-2f, 0x1.110c32p-3f, -0x1.b96a1cp-5f, 0x1.603886p-6f, -0x1.04eceep-7f, 0x1.2f4164p-9f,
    -0x1.7b9366p-12f
};
static const float SB_ERF[] = {
    0x1.06eba8p-3f, -0x1.81274p-2f, 0x1.ce2d5p-4f, -0x1.b7fe9p-6f, 0x1.542e1p-8f, -0x1.a50b0ep-11f,
    0x1.4c344ep-14f
};
static const float SB_ERFC[] = {
    0x1.20f24cp+0f, 0x1.451942p-1f, 0x1.b46cbep-4f, -0x1.89a1d8p-6f, 0x1.ed6eep-9f, -0x1.716d56p-12f,
    0x1.da2e0ap-17f
};
static const float SB_NORMAL[] = {
    0x1.82b4bcp-4f, 0x1.5cf97cp-3f, 0x1.fd7504p-4f, 0x1.25b62ap-4f, 0x1.f9b43ap-6f, 0x1.166eaep-7f,
    0x1.073982p-11f, -0x1.581c28p-11f, -0x1.5f92c4p-13f, 0x1.0f165ap-14f
};
static const double SB_SIN_S[] = {
    -0x1.555555545c326p-3, 0x1.11110deab31b6p-7, -0x1.a013a18815499p-13, 0x1.6dbc12ffd1232p-19
};
static const double SB_COS_S[] = {
    0x1.555555550231ap-5, -0x1.6c16bf51e954bp-10, 0x1.a015c0743b49fp-16, -0x1.2522ff78c98d4p-22
};
static const double SB_POW_LOG[] = {
    0x1.71547652b82ffp+1, 0x1.ec709dc39c9e6p-1, 0x1.2776c516aa82p-1, 0x1.a61756744e358p-2,
    0x1.484fad35f02acp-2, 0x1.0bb79231dc1b5p-2, 0x1.f1899b6e5085p-3
};
static const double SB_POW_EXP[] = {
    0x1.62e42fef9cc69p-1, 0x1.ebfbdff82a734p-3, 0x1.c6b08da70cce3p-5, 0x1.3b2ab70ad2565p-7,
    0x1.5d877598350dep-10, 0x1.4308c7183d6a2p-13, 0x1.00c0e4e15189cp-16, 0x1.63b2d7971923fp-20
};
static const double SB_EXP_D[] = {
    0x1p-1, 0x1.5555555555557p-3, 0x1.5555555555556p-5, 0x1.11111111100bep-7, 0x1.6c16c16c162c3p-10,
    0x1.a01a01abf85abp-13, 0x1.a01a01a6e1e2ap-16, 0x1.71de01fdbf9cap-19, 0x1.27e4db46cddd1p-22,
    0x1.af4e554377204p-26, 0x1.1f7340dbc337ep-29
};
static const double SB_EXP2_D[] = {
    0x1.62e42fefa39efp-1, 0x1.ebfbdff82c58fp-3, 0x1.c6b08d704a0c6p-5, 0x1.3b2ab6fba4e79p-7,
    0x1.5d87fe78a3f9cp-10, 0x1.430912f86b7dbp-13, 0x1.ffcbfc6da6ed1p-17, 0x1.62c02242b879cp-20,
    0x1.b524ebd13a55fp-24, 0x1.e4cf10dec0f59p-28, 0x1.e9ec1fcb69a7fp-32, 0x1.c4a29324a1038p-36
};
static const double SB_LOG_D[] = {
    0x1.5555555555555p-1, 0x1.9999999999999p-2, 0x1.2492492492995p-2, 0x1.c71c71c5d48ep-3,
    0x1.745d1845008a2p-3, 0x1.3b134fe3c9a6p-3, 0x1.11252af91e182p-3, 0x1.dd4f7f8cb9b1cp-4,
    0x1.f3737c699761cp-4
};
static const double SB_SIN_D[] = {
    -0x1.5555555555555p-3, 0x1.111111111111p-7, -0x1.a01a01a019927p-13, 0x1.71de3a545e95cp-19,
    -0x1.ae64540f4d1dbp-26, 0x1.61217c4c31493p-33, -0x1.ab1635d19009bp-41
};
static const double SB_COS_D[] = {
    0x1.5555555555555p-5, -0x1.6c16c16c1696p-10, 0x1.a01a019f4d2b8p-16, -0x1.27e4fa15e29e5p-22,
    0x1.1eeb66dd1cdd4p-29, -0x1.907c2a257c22cp-37
};
static const double SB_TANH_D[] = {
    -0x1.5555555555555p-2, 0x1.11111111110b9p-3, -0x1.ba1ba1ba1453ep-5, 0x1.664f4880d2a47p-6,
    -0x1.226e3519865dfp-7, 0x1.d6d3c538d0bbep-9, -0x1.7da2bdc3daa27p-10, 0x1.3551ae34bdfffp-11,
    -0x1.f5211730ee038p-13, 0x1.94981e5bdbe6fp-14, -0x1.42090e21d3d28p-15, 0x1.ea19b73b128d8p-17,
    -0x1.4eb911dcd9788p-18, 0x1.7238a0a7e22b6p-20, -0x1.1ab979c0ab58cp-22, 0x1.b028f6cb72ebfp-26
};
static const double SB_ERF_D[] = {
    0x1.06eba8214db69p-3, -0x1.812746b0379e7p-2, 0x1.ce2f21a042bdep-4, -0x1.b82ce312889bap-6,
    0x1.565bcd0e6502dp-8, -0x1.c02db3feeb579p-11, 0x1.f9a326c233146p-14, -0x1.f4d2561aeafd4p-17,
    0x1.b9e6509b9867dp-20, -0x1.5f6d925a0bc7ap-23, 0x1.fc4356498c2d9p-27, -0x1.4e607b41a6416p-30,
    0x1.7f072188e194dp-34, -0x1.29b9f1b3df556p-38
};
static const double SB_NORMAL_D[] = {
    0x1.82b4bb8c94dcep-4, 0x1.5cf97b0ae882cp-3, 0x1.fd751a1fba3e1p-4, 0x1.25b6aa9658231p-4,
    0x1.f9b05f0efbaf8p-6, 0x1.1644dc2f6fccap-7, 0x1.0a1bd41959fe5p-11, -0x1.4eec24dc62a5bp-11,
    -0x1.888dc9e23882ap-13, 0x1.7e246ac3feee6p-15, 0x1.e0a3a675774fp-16, -0x1.36d2ad8f15c91p-18,
    -0x1.20cd649ea79ebp-18, 0x1.bd67211febdp-21, 0x1.6303614a310cap-21, -0x1.bb64f8ed440dep-23,
    -0x1.9206ae0bb3e9cp-24, 0x1.cb4cf1080b3f9p-25, 0x1.240596c0ee861p-27, -0x1.ad05cdd0240d2p-27,
    0x1.17188345d5c9ep-30, 0x1.3f7154d75a7f6p-29, -0x1.8997a808c8497p-31, -0x1.286f6c4f1a24fp-32,
    0x1.576346951af4fp-33, 0x1.fde71e9acf04ep-38, -0x1.85c00ccb7d8b8p-37
};
static const double SB_ATAN_D[] = {
    -0x1.5555555555555p-2, 0x1.9999999999953p-3, -0x1.249249248d7eep-3, 0x1.c71c71c304b67p-4,
    -0x1.745d165df3f55p-4, 0x1.3b1392d9e711dp-4, -0x1.110e880a72307p-4, 0x1.e19a13b941712p-5,
    -0x1.ac7a9386089adp-5, 0x1.74ddd3f03139cp-5, -0x1.1b33b8e48e533p-5, 0x1.0ad369b97aed4p-6
};
static const double SB_ERFINV[] = {
    0x1.9fa072edc11e1p+0, 0x1.eedbebd0ed2ddp-3, -0x1.780df2755e23dp-8, -0x1.b6663fd25def2p-11,
    0x1.99137dd0af67ap-13, -0x1.aabcc46075b05p-17, -0x1.d5780dd7dc796p-20, 0x1.e3db9b5839d0dp-22,
    -0x1.922f9821d8ed9p-26, -0x1.82c114adef9bdp-28, 0x1.25be611f9e7b6p-30, -0x1.47d9d40c08f23p-37,
    -0x1.0059fa8c899c0p-36, 0x1.311860d2c8256p-40
};
static const double SB_ERFINV_TAIL[] = {
    0x1.eb7e091a62bdfp+1, 0x1.026e24f35bb06p+0, 0x1.4a3c24c31a8afp-10, -0x1.c7244b473f903p-11,
    0x1.511799e8e123ep-12, -0x1.f9cc6454d5253p-14, 0x1.cc4f7e18d38d0p-15, -0x1.e1fa423dd0152p-16,
    0x1.3dd7ffec80069p-16, -0x1.868a41e11f40bp-17, 0x1.c119c6236fa9ap-19, 0x1.41442db69f293p-21,
    -0x1.3e4117e5d2a9ap-21, 0x1.ab4b3977163bfp-24
};

#endif
