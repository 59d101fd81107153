"""What libraries call the argument that makes a call repeat: one table, plain data.

A row holds for functions, methods and constructors of one library by their last name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that makes a library's call give the same in every run.

    Attributes:
        library: the package that has the call.
        calls: the last names of functions, methods and classes that take it.
        name: of the argument.
        value: what to give; None for a seed.
        needs: arguments that tell the call from another library's of that name.
    """

    library: str
    calls: frozenset[str]
    name: str
    value: str | None = None
    needs: frozenset[str] = frozenset()


def _row(library: str, calls: str, name: str, value: str | None = None, needs: str = "") -> Argument:
    return Argument(library, frozenset(calls.split()), name, value, frozenset(needs.split()))


_SKLEARN: Final = (
    "train_test_split shuffle resample KFold StratifiedKFold ShuffleSplit StratifiedShuffleSplit "
    "GroupShuffleSplit RepeatedKFold RepeatedStratifiedKFold StratifiedGroupKFold RandomizedSearchCV "
    "permutation_importance make_blobs make_circles make_classification make_friedman1 make_friedman2 "
    "make_friedman3 make_gaussian_quantiles make_low_rank_matrix make_moons "
    "make_multilabel_classification make_regression make_s_curve make_sparse_coded_signal "
    "make_sparse_spd_matrix make_sparse_uncorrelated make_spd_matrix make_swiss_roll make_biclusters "
    "make_checkerboard fetch_20newsgroups fetch_covtype fetch_kddcup99 fetch_olivetti_faces fetch_rcv1 "
    "KMeans MiniBatchKMeans BisectingKMeans SpectralClustering AffinityPropagation PCA TruncatedSVD "
    "FastICA NMF FactorAnalysis DictionaryLearning SparsePCA LatentDirichletAllocation GaussianMixture "
    "BayesianGaussianMixture TSNE MDS SpectralEmbedding RandomForestClassifier RandomForestRegressor "
    "ExtraTreesClassifier ExtraTreesRegressor GradientBoostingClassifier GradientBoostingRegressor "
    "HistGradientBoostingClassifier HistGradientBoostingRegressor AdaBoostClassifier AdaBoostRegressor "
    "BaggingClassifier BaggingRegressor IsolationForest DecisionTreeClassifier DecisionTreeRegressor "
    "ExtraTreeClassifier ExtraTreeRegressor SGDClassifier SGDRegressor Perceptron LogisticRegression "
    "LogisticRegressionCV Ridge RidgeClassifier Lasso ElasticNet RANSACRegressor LinearSVC LinearSVR "
    "SVC NuSVC MLPClassifier MLPRegressor BernoulliRBM GaussianRandomProjection SparseRandomProjection "
    "RBFSampler Nystroem QuantileTransformer KBinsDiscretizer IterativeImputer "
    "GaussianProcessClassifier GaussianProcessRegressor DummyClassifier "
)

ARGUMENTS: Final = (
    _row("albumentations", "Compose ReplayCompose Sequential", "seed"),
    _row("pandas", "sample", "random_state"),
    _row("sklearn", _SKLEARN, "random_state"),
    _row("imblearn", "SMOTE ADASYN RandomOverSampler RandomUnderSampler", "random_state"),
    _row("scipy", "rvs", "random_state"),
    _row("umap", "UMAP", "random_state"),
    _row("datasets", "shuffle train_test_split", "seed"),
    _row(
        "optuna",
        "TPESampler RandomSampler CmaEsSampler NSGAIISampler NSGAIIISampler QMCSampler GPSampler",
        "seed",
    ),
    _row("polars", "sample shuffle", "seed"),
    _row("polars", "group_by unique", "maintain_order", "True"),
    _row("polars", "join", "maintain_order", '"left_right"', needs="on"),
    _row("xgboost", "XGBClassifier XGBRegressor XGBRanker", "random_state"),
    _row("lightgbm", "LGBMClassifier LGBMRegressor LGBMRanker", "random_state"),
    _row("catboost", "CatBoostClassifier CatBoostRegressor CatBoost", "random_seed"),
    _row("stable_baselines3", "PPO A2C DQN SAC TD3 DDPG", "seed"),
)

#: package -> what in it seeds Python, numpy and torch at once.
SEEDERS: Final = {
    "transformers": "set_seed",
    "lightning": "seed_everything",
    "pytorch_lightning": "seed_everything",
}
#: Spaces of an environment, which have a generator of their own.
SPACES: Final = frozenset({"gymnasium", "gym"})
#: What looks for the best of several trials, and does so in several threads where it is told to.
TRIALS: Final = {"optuna": ("optimize", "n_jobs", "1")}
#: What makes such a search, and the sampler that it makes by itself if it is given none.
SEARCHES: Final = {"optuna": ("create_study", "sampler", "samplers.TPESampler(seed={})")}


def argument(library: str, call: str) -> Argument | None:
    """The argument of a library's call that makes it repeat, if there is one."""
    return next((row for row in ARGUMENTS if row.library == library and call in row.calls), None)
