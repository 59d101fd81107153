"""What functions and methods do with the order of what they are given: lose it, pass it on or keep it."""

from __future__ import annotations

from typing import Final


def _words(names: str, before: str = "") -> frozenset[str]:
    """Names that are written in one text, each with what stands before it."""
    return frozenset(before + name for name in names.split())


#: What takes elements in any order and gives the same.
ANY_ORDER: Final = (
    _words("sorted set frozenset len sum min max any all bool print str repr isinstance type")
    | _words("collections.Counter math.fsum natsort.natsorted natsort.os_sorted")
    | _words("sort unique mean median sum max min std var any all", "numpy.")
    | _words("mean median fmean stdev pstdev variance", "statistics.")
    | _words("unique sort", "torch.")
)
SORTERS: Final = _words("sorted natsorted os_sorted humansorted sort_values naturalsort natural_sort")
#: What gives the elements on in their order.
PASSES: Final = (
    _words("list tuple enumerate zip iter map filter dict.fromkeys reversed next dict")
    | _words("deque OrderedDict.fromkeys OrderedDict", "collections.")
    | _words("chain chain.from_iterable cycle islice accumulate product combinations", "itertools.")
    | _words("permutations groupby tee zip_longest starmap", "itertools.")
    | _words("fromiter array asarray concatenate stack hstack vstack", "numpy.")
    | _words("tensor stack cat as_tensor from_numpy hstack vstack", "torch.")
    | _words("tqdm auto.tqdm trange notebook.tqdm std.tqdm rich.tqdm", "tqdm.")
    | _words("DataFrame Series concat", "pandas.")
    | _words("rich.progress.track copy.copy copy.deepcopy torch.utils.data.ConcatDataset")
)
#: Last names that give on what they are given, whosever they are.
PASSING: Final = _words("tqdm track progress_bar trange master_bar")
#: Draws, splits and shuffles of a list are of its order.
DRAWN_FROM: Final = (
    *("random.shuffle", "random.sample", "random.choice", "random.choices", "numpy.random.shuffle"),
    *("numpy.random.permutation", "numpy.random.choice", "sklearn.model_selection.", "torch.utils.data."),
    *("sklearn.utils.shuffle",),
)
#: Last names of what keeps its elements by number.
NUMBERED: Final = ("Dataset", "DataLoader", "Sampler", "Vocab", "LabelEncoder", "OneHotEncoder")
#: Methods of a set for which another's order does not matter.
UPDATES: Final = _words(
    "update intersection_update difference_update symmetric_difference_update isdisjoint issubset "
    "issuperset union intersection difference symmetric_difference isin"
)
#: Methods that keep the order in which they are called.
KEEPS: Final = _words(
    "append appendleft extend insert write writelines put add_module register_buffer writerow writerows "
    "push add_row put_nowait"
)
#: What puts rows into one array.
STACKS: Final = _words("array asarray concatenate stack hstack vstack", "numpy.") | _words(
    "tensor stack cat as_tensor hstack vstack", "torch."
)
#: What writes what it is given, in its order.
SAVES: Final = (
    _words("save savez savez_compressed savetxt", "numpy.")
    | _words("torch.save pickle.dump pickle.dumps joblib.dump json.dump json.dumps yaml.dump yaml.safe_dump")
)  # fmt: skip
#: Of the methods that keep, those of a file.
WRITES: Final = _words("write writelines writerow writerows")
#: Methods and attributes that give the elements on.
GIVE_ON: Final = _words(
    "items keys values copy tolist to_list to_numpy numpy rows iter_rows to_dicts head limit with_row_index "
    "to_torch to_pandas reset_index iterrows itertuples astype float long int double half to cuda cpu clone "
    "detach contiguous reshape view unsqueeze squeeze flatten fillna dropna iloc"
)
#: Draws from the generators of the process, and layers that start from some.
DRAWS: Final = (
    _words("random uniform gauss normalvariate randint randrange choice choices shuffle sample", "random.")
    | _words("betavariate expovariate triangular getrandbits randbytes", "random.")
    | _words("rand randn randint random random_sample choice shuffle permutation normal", "numpy.random.")
    | _words("uniform beta binomial poisson exponential multinomial standard_normal", "numpy.random.")
    | _words("rand randn randint randperm normal bernoulli multinomial rand_like randn_like", "torch.")
    | _words("Linear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d", "torch.nn.")
    | _words("ConvTranspose3d Embedding EmbeddingBag RNN LSTM GRU MultiheadAttention", "torch.nn.")
    | _words("Transformer TransformerEncoderLayer TransformerDecoderLayer", "torch.nn.")
    | _words("functional.dropout functional.gumbel_softmax", "torch.nn.")
    | _words("normal_ uniform_ xavier_uniform_ xavier_normal_ kaiming_uniform_", "torch.nn.init.")
    | _words("kaiming_normal_ trunc_normal_ orthogonal_ sparse_", "torch.nn.init.")
)
#: Functions that put one after another.
JOINS: Final = _words("concat cat concatenate append vstack hstack")
#: Methods of a generator object that draw.
OWN_DRAWS: Final = _words(
    "random uniform normal integers randint choice choices shuffle sample permutation permuted gauss "
    "standard_normal rand randn randrange"
)
#: What such objects are usually called.
GENERATORS: Final = _words("rng random_state rs prng gen generator rand random np_random")
