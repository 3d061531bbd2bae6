"""The tables of the lake. Names of tables and columns are a contract: other tools read them.

Belongs here: what each table holds, not how it is made. ``derived_from`` is the column lineage
that the UI shows; a test holds it against the real upstream of each asset.
"""

from dataclasses import replace

from qualia_assets.lake.specs import (
    BOOL,
    FLOAT,
    FLOAT32,
    FLOATS,
    INT,
    STRING,
    STRINGS,
    TIME,
    Column,
    TableSpec,
    Vector,
)

_ITEM = (
    Column("item_id", STRING, "The source's own id"),
    Column("modality", STRING, "text or image"),
    Column("hop", INT, "0 for what the user saved, 1 and more for what that points to"),
    Column("title", STRING, "Title", nullable=True),
    Column("text", STRING, "Body of a post, or what is said of a picture", nullable=True),
    Column("tags", STRINGS, "Tags that its maker or keeper gave"),
    Column("url", STRING, "Where it was", nullable=True),
    Column("author", STRING, "Who made it", nullable=True),
    Column("collection", STRING, "Publication or board", nullable=True),
    Column("image_sha256", STRING, "The picture's blob", nullable=True),
    Column("created_at", TIME, "When it was made or saved", nullable=True),
    Column("record", STRING, "File and line, or page, that it came from"),
)
_IMAGE_URL = Column("image_url", STRING, "Where its picture is, without what does not matter", nullable=True)
_POST = (
    Column("publication_id", STRING, "Which publication, whatever it is called", nullable=True),
    Column("post_id", STRING, "Substack's own id, where it was told", nullable=True),
    Column("slug", STRING, "Its name in the address"),
    Column(
        "audience", STRING, "everyone, or who paid: only_paid, founding, ...; unknown; other", nullable=True
    ),
    Column("body_status", STRING, "full, preview (of a paid post) or none"),
    Column("kind", STRING, "newsletter, podcast, thread, ...; other", nullable=True),
    _IMAGE_URL,
    Column("editorial_sha256", STRING, "Hash of what its writer wrote: an edit changes it, a like does not"),
)
_PIN = (
    Column("board_id", STRING, "Which board", nullable=True),
    _IMAGE_URL,
    Column("parent_pin_id", STRING, "The pin that it was saved from", nullable=True),
)


def _items(name: str, description: str, *more: Column) -> TableSpec:
    """The raw table of one source that gives whole items."""
    return TableSpec(name, description, ("item_id",), (*_ITEM, *more))


def _rejects(name: str, source: str) -> TableSpec:
    """What one source could not use."""
    return TableSpec(
        name,
        f"Records of {source} that could not be used, each with its reason",
        ("record",),
        (
            Column("record", STRING, "File and line, or page"),
            Column("reason", STRING, "What is wrong with it"),
            Column("mend", STRING, "What would mend it"),
        ),
    )


FOLDER_ITEMS = _items("folder_items", "Posts and pins from a folder of the user's own files")
FOLDER_REJECTS = _rejects("folder_rejects", "the folder")
DEMO_ITEMS = _items("demo_items", "Posts and pins of a demo user, made by the project itself")

SUBSTACK_EXPORT = _items("substack_export", "The user's own posts, from Substack's export", *_POST)
SUBSTACK_EXPORT_REJECTS = _rejects("substack_export_rejects", "Substack's export")
PINTEREST_EXPORT = _items("pinterest_export", "The user's pins, from Pinterest's data download", *_PIN)
PINTEREST_EXPORT_REJECTS = _rejects("pinterest_export_rejects", "Pinterest's data download")

SUBSTACK_PUBLICATIONS = TableSpec(
    "substack_publications",
    "Publications that the user reads or writes, and those that these recommend",
    ("publication_id",),
    (
        Column("publication_id", STRING, "Substack's own id: stays when name and address change"),
        Column("hop", INT, "0 for the user's own, 1 for what those recommend"),
        Column("pointed_by", INT, "How many of the user's own recommend it"),
        Column("name", STRING, "Name", nullable=True),
        Column("author", STRING, "Who writes it", nullable=True),
        Column("description", STRING, "What it says of itself", nullable=True),
        Column("url", STRING, "Its address", nullable=True),
        Column("language", STRING, "Language that it declares", nullable=True),
        Column("status", STRING, "ok, waiting, blocked, declined (no crawlers of AI), gone"),
        Column("posts", INT, "Posts of it in the table substack_posts"),
        Column("checked_at", TIME, "When it was last asked", nullable=True),
    ),
)
SUBSTACK_POSTS = _items("substack_posts", "Posts of those publications", *_POST)
SUBSTACK_REJECTS = _rejects("substack_rejects", "Substack")

PINTEREST_BOARDS = TableSpec(
    "pinterest_boards",
    "The user's boards, and those that they follow",
    ("board_id",),
    (
        Column("board_id", STRING, "Pinterest's own id"),
        Column("hop", INT, "0 for the user's own, 1 for one that they follow"),
        Column("name", STRING, "Name", nullable=True),
        Column("description", STRING, "What is said of it", nullable=True),
        Column("owner", STRING, "Whose it is", nullable=True),
        Column("privacy", STRING, "public, protected, secret; other", nullable=True),
        Column("url", STRING, "Its address", nullable=True),
        Column("status", STRING, "ok, waiting, blocked, gone"),
        Column("pins", INT, "Pins of it in the table pinterest_pins"),
        Column("modified_at", TIME, "When its pins last changed", nullable=True),
    ),
)
PINTEREST_PINS = _items(
    "pinterest_pins",
    "Pins of those boards",
    *_PIN,
    Column("gone_at", TIME, "When it was found to be removed", nullable=True),
)
PINTEREST_REJECTS = _rejects("pinterest_rejects", "Pinterest")

IMAGE_REFS = TableSpec(
    "image_refs",
    "Every address of a picture that an item refers to, and what came of fetching it",
    ("url",),
    (
        Column(
            "url",
            STRING,
            "Address, without what does not matter",
            derived_from=(
                "substack_posts.image_url",
                "substack_export.image_url",
                "pinterest_pins.image_url",
                "pinterest_export.image_url",
            ),
        ),
        Column("sha256", STRING, "The blob; two addresses of one picture have the same", nullable=True),
        Column("status", STRING, "ok, waiting, too_big, bomb, bad_mime, gone, blocked"),
        Column("fetched_at", TIME, "When it was fetched", nullable=True),
    ),
)

IMAGE_BLOBS = TableSpec(
    "image_blobs",
    "Every picture that an item refers to, looked at once",
    ("sha256",),
    (
        Column(
            "sha256",
            STRING,
            "Hash of the bytes; the file is blobs/<first 2>/<sha256>",
            derived_from=(
                "folder_items.image_sha256",
                "demo_items.image_sha256",
                "substack_posts.image_url",
                "substack_export.image_url",
                "pinterest_pins.image_url",
                "pinterest_export.image_url",
            ),
        ),
        Column("mime", STRING, "Kind, by content", nullable=True),
        Column("width", INT, "Pixels", nullable=True),
        Column("height", INT, "Pixels", nullable=True),
        Column("bytes", INT, "Size of the file", nullable=True),
        Column(
            "phash",
            STRING,
            "Perceptual hash, 64 bits in hex: near-identical pictures share most",
            nullable=True,
        ),
        Column("status", STRING, "ok, too_big, bomb, bad_mime, gone"),
        Column("fetched_at", TIME, "When the bytes came into the lake", nullable=True),
    ),
)


_RAW = (
    FOLDER_ITEMS,
    DEMO_ITEMS,
    SUBSTACK_EXPORT,
    SUBSTACK_POSTS,
    PINTEREST_EXPORT,
    PINTEREST_PINS,
)


def _raw(column: str) -> tuple[str, ...]:
    return tuple(f"{spec.name}.{column}" for spec in _RAW)


ARTEFACTS = TableSpec(
    "artefacts",
    "Everything the user read or saved, from all sources, in one shape",
    ("artefact_id",),
    (
        Column("artefact_id", STRING, "<source>:<id>", derived_from=_raw("item_id")),
        Column("modality", STRING, "text or image", derived_from=_raw("modality")),
        Column("source", STRING, "Where it came from"),
        Column(
            "hop",
            INT,
            "0 for what the user saved, 1 and more for what that points to",
            derived_from=_raw("hop"),
        ),
        Column("title", STRING, "Title", nullable=True, derived_from=_raw("title")),
        Column(
            "text", STRING, "Body, or what is said of a picture", nullable=True, derived_from=_raw("text")
        ),
        Column("tags", STRINGS, "Tags", derived_from=_raw("tags")),
        Column("url", STRING, "Where it was", nullable=True, derived_from=_raw("url")),
        Column("author", STRING, "Who made it", nullable=True, derived_from=_raw("author")),
        Column(
            "collection",
            STRING,
            "Publication or board: given by people, not shown to providers",
            nullable=True,
            derived_from=_raw("collection"),
        ),
        Column(
            "image_sha256", STRING, "The picture's blob", nullable=True, derived_from=("image_blobs.sha256",)
        ),
        Column(
            "created_at", TIME, "When it was made or saved", nullable=True, derived_from=_raw("created_at")
        ),
        Column(
            "content_sha256",
            STRING,
            "Hash of all that a provider sees of it",
            derived_from=(*_raw("title"), *_raw("text"), *_raw("tags"), "image_blobs.sha256"),
        ),
    ),
)

_ID = Column("artefact_id", STRING, "Which item")
_MODALITY = Column("modality", STRING, "text or image")


def _from(table: str, *columns: Column) -> tuple[Column, ...]:
    """The columns as they stand in ``table``, passed on unchanged."""
    return tuple(replace(c, derived_from=(f"{table}.{c.name}",)) for c in columns)


_SEEN = ("artefacts.title", "artefacts.text", "artefacts.tags", "artefacts.image_sha256")

ANNOTATIONS = TableSpec(
    "annotations",
    "What each item feels like, in the same words for texts and pictures",
    ("artefact_id",),
    (
        *_from("artefacts", _ID, _MODALITY),
        Column("summary", STRING, "What it is about, or shows", nullable=True, derived_from=_SEEN),
        Column(
            "aesthetic",
            STRING,
            "Underlying aesthetic or intellectual sensibility",
            nullable=True,
            derived_from=_SEEN,
        ),
        Column("themes", STRINGS, "3 to 5 philosophical or cultural concepts", derived_from=_SEEN),
        Column("mood", STRING, "Emotional register or tone", nullable=True, derived_from=_SEEN),
        Column("lifestyle", STRING, "Way of being this suggests", nullable=True, derived_from=_SEEN),
        Column("moment", STRING, "Broader cultural conversation", nullable=True, derived_from=_SEEN),
        Column("text", STRING, "The fields as one text: what is embedded", nullable=True, derived_from=_SEEN),
        Column("annotator", STRING, "Provider and model"),
        Column("prompt_version", STRING, "Version of the prompt or of the rules"),
        Column("status", STRING, "ok, refused, failed, waiting"),
        Column("error", STRING, "Why there is none", nullable=True),
        Column(
            "content_sha256",
            STRING,
            "Hash of what the annotator saw",
            derived_from=("artefacts.content_sha256",),
        ),
    ),
)


def _embeddings(name: str, description: str, upstream: str, seen: tuple[str, ...]) -> TableSpec:
    return TableSpec(
        name,
        description,
        ("artefact_id",),
        (
            *_from(upstream, _ID, _MODALITY),
            Column("vector", Vector.UNIT, "Embedding of unit length", derived_from=seen),
            Column("embedder", STRING, "Provider and model"),
            Column("version", STRING, "Revision of its weights, and how the item was made ready for it"),
            Column("content_sha256", STRING, "Hash of what the embedder saw", derived_from=seen),
        ),
    )


RAW_EMBEDDINGS = _embeddings("raw_embeddings", "Texts and pictures embedded as they are", "artefacts", _SEEN)
CAPTION_EMBEDDINGS = _embeddings(
    "caption_embeddings", "What is said of each picture, embedded as text", "artefacts", _SEEN[:3]
)
ANNOTATION_EMBEDDINGS = _embeddings(
    "annotation_embeddings", "The annotations embedded as text", "annotations", ("annotations.text",)
)

_VECTOR = ("annotation_embeddings.vector",)

NEIGHBOURS = TableSpec(
    "neighbours",
    "Exact nearest neighbours within each modality, by annotation: one graph for clustering and map",
    ("artefact_id",),
    (
        *_from("annotation_embeddings", _ID, _MODALITY),
        Column("neighbours", STRINGS, "Items, nearest first, the item itself in front", derived_from=_VECTOR),
        Column("distances", FLOATS, "Cosine distances to them", derived_from=_VECTOR),
    ),
)

_GRAPH = ("neighbours.neighbours", "neighbours.distances", *_VECTOR)

CLUSTER_PROJECTIONS = TableSpec(
    "cluster_projections",
    "UMAP per modality to a few dimensions: what is clustered",
    ("artefact_id",),
    (
        *_from("neighbours", _ID, _MODALITY),
        Column("vector", Vector.FREE, "Coordinates, arbitrary units", derived_from=_GRAPH),
    ),
)

CLUSTERS = TableSpec(
    "clusters",
    "HDBSCAN per modality",
    ("artefact_id",),
    (
        *_from("cluster_projections", _ID, _MODALITY),
        Column(
            "cluster",
            INT,
            "Number that stays with the cluster; -1 is noise",
            derived_from=("cluster_projections.vector",),
        ),
        Column(
            "probability",
            FLOAT32,
            "How surely it belongs there, 0 to 1",
            derived_from=("cluster_projections.vector",),
        ),
    ),
)

CLUSTER_CARDS = TableSpec(
    "cluster_cards",
    "What each cluster is called and what stands for it",
    ("modality", "cluster"),
    (
        *_from("clusters", _MODALITY, Column("cluster", INT, "Number within the modality")),
        Column("size", INT, "Items", derived_from=("clusters.cluster",)),
        Column(
            "label",
            STRING,
            "A name, distinct within the user and modality",
            derived_from=("annotations.text", "artefacts.title"),
        ),
        Column(
            "keywords",
            STRINGS,
            "Words that set it apart",
            derived_from=("annotations.text", "artefacts.title"),
        ),
        Column(
            "exemplars",
            STRINGS,
            "Items nearest to its centre",
            derived_from=("clusters.artefact_id", *_VECTOR),
        ),
    ),
)

_CENTROIDS = ("clusters.cluster", *_VECTOR)

CLUSTER_MATCHES = TableSpec(
    "cluster_matches",
    "Text clusters and image clusters paired one to one by centroid cosine (Hungarian)",
    ("match",),
    (
        Column("match", INT, "Number that stays with the pair", derived_from=_CENTROIDS),
        Column("modality_a", STRING, "text", derived_from=("clusters.modality",)),
        Column("cluster_a", INT, "Text cluster", derived_from=("clusters.cluster",)),
        Column("modality_b", STRING, "image", derived_from=("clusters.modality",)),
        Column("cluster_b", INT, "Image cluster", derived_from=("clusters.cluster",)),
        Column("similarity", FLOAT, "Cosine of the centroids", derived_from=_CENTROIDS),
        Column("mutual_best", BOOL, "Each is the other's nearest", derived_from=_CENTROIDS),
        Column("accepted", BOOL, "Similar enough to be used", derived_from=_CENTROIDS),
        Column(
            "split",
            STRING,
            "train, val or test; null where not accepted",
            nullable=True,
            derived_from=_CENTROIDS,
        ),
    ),
)

_TRAINED = ("cluster_matches.match", "cluster_matches.split", "clusters.cluster", *_VECTOR)

CLUSTER_QUALITY = TableSpec(
    "cluster_quality",
    "How far the clusters and their matches can be trusted",
    ("metric", "modality"),
    (
        Column(
            "metric",
            STRING,
            "clusters, noise_share, stability (ARI between seeds); of pairs accepted_share, "
            "accepted_similarity, background_similarity, forced_share",
        ),
        Column("modality", STRING, "text, image; pairs"),
        Column("value", FLOAT, "The figure", nullable=True, derived_from=("clusters.cluster", *_VECTOR)),
        Column("n", INT, "Items, clusterings or pairs behind it", derived_from=("clusters.cluster",)),
        Column("note", STRING, "What to make of it, where something should be", nullable=True),
    ),
)

ADAPTERS = TableSpec(
    "adapters",
    "One row for each configuration that was trained, doing nothing (identity) among them",
    ("config_id",),
    (
        Column("config_id", STRING, "Name of the configuration"),
        Column("arch", STRING, "identity, linear, mlp; lookup where nothing is trained by gradient"),
        Column("input", STRING, "Table of the vectors it maps"),
        Column("recipe", STRING, "paper, or a name of ours"),
        Column(
            "kind",
            STRING,
            "inductive: fitted without the items it is judged on; transductive: their vectors were seen",
        ),
        Column("temperature", FLOAT, "tau of InfoNCE", nullable=True),
        Column("balance_weight", FLOAT, "Weight of the modality-balance term", nullable=True),
        Column("balance_term", STRING, "The paper's ratio, or share; null without one", nullable=True),
        Column("seed", INT, "Of initialisation and batches"),
        Column("hidden", INT, "Width of the hidden layer", nullable=True),
        Column("batch_size", INT, "Items a step", nullable=True),
        Column("learning_rate", FLOAT, "Of AdamW", nullable=True),
        Column("weight_decay", FLOAT, "Of AdamW", nullable=True),
        Column("epochs", INT, "Passes over the training items", nullable=True),
        Column("train_seconds", FLOAT, "Wall time of the training, s", measured=True),
        Column(
            "val_coherence",
            FLOAT,
            "On validation matches, full gallery",
            nullable=True,
            derived_from=_TRAINED,
        ),
        Column("val_abs_bias", FLOAT, "|modality bias| there", nullable=True, derived_from=_TRAINED),
        Column(
            "val_cross_modal_r_precision", FLOAT, "What it is chosen by", nullable=True, derived_from=_TRAINED
        ),
        Column(
            "offset_text",
            FLOAT,
            "Added to a picture's similarity when a text asks, beside CSLS; from train and val items",
            nullable=True,
            derived_from=_TRAINED,
        ),
        Column(
            "offset_image",
            FLOAT,
            "The same when a picture asks",
            nullable=True,
            derived_from=_TRAINED,
        ),
        Column("pareto", BOOL, "No other beats it on both coherence and |bias|", derived_from=_TRAINED),
        Column("selected", BOOL, "The one that is applied", derived_from=_TRAINED),
        Column(
            "weights",
            STRING,
            "safetensors file below the lake; null for identity",
            nullable=True,
            derived_from=_TRAINED,
        ),
    ),
)

ADAPTED_EMBEDDINGS = TableSpec(
    "adapted_embeddings",
    "Every item through the selected adapter",
    ("artefact_id",),
    (
        *_from("annotation_embeddings", _ID, _MODALITY),
        Column(
            "vector",
            Vector.UNIT,
            "Adapted embedding of unit length",
            derived_from=(*_VECTOR, "adapters.weights"),
        ),
        Column("config_id", STRING, "The adapter", derived_from=("adapters.config_id", "adapters.selected")),
    ),
)

_SPACES = ("raw_embeddings.vector", "annotation_embeddings.vector", "adapted_embeddings.vector")

PROJECTIONS = TableSpec(
    "projections",
    "Two dimensions to look at: SVD and UMAP of all items together, in each space",
    ("artefact_id", "view", "method"),
    (
        *_from("raw_embeddings", _ID, _MODALITY),
        Column("view", STRING, "raw, annotation, adapted"),
        Column("method", STRING, "svd, umap"),
        Column("x", FLOAT32, "Arbitrary units", derived_from=_SPACES),
        Column("y", FLOAT32, "Arbitrary units", derived_from=_SPACES),
    ),
)

_JUDGED = (
    "raw_embeddings.vector",
    "annotation_embeddings.vector",
    "clusters.cluster",
    "cluster_matches.match",
    "cluster_matches.split",
    "adapters.weights",
)

METRICS = TableSpec(
    "metrics",
    "Every figure with its chance level and 95 % interval, on whole matches held out from training",
    ("space", "config_id", "metric", "split", "gallery", "query_modality", "k", "calibrated"),
    (
        Column("space", STRING, "raw, annotation, adapted"),
        Column(
            "config_id",
            STRING,
            "The adapter; null without one",
            nullable=True,
            derived_from=("adapters.config_id",),
        ),
        Column("metric", STRING, "Name of the figure"),
        Column(
            "split",
            STRING,
            "val or test; all where matches play no part",
            derived_from=("cluster_matches.split",),
        ),
        Column("gallery", STRING, "full, or balanced: each match's modalities sampled down to the smaller"),
        Column("query_modality", STRING, "all, text, image, or text>image"),
        Column("k", INT, "Neighbours looked at", nullable=True),
        Column("calibrated", BOOL, "Similarities less the mean of the 10 highest of each modality"),
        Column(
            "value",
            FLOAT,
            "The figure; null where it would mean nothing",
            nullable=True,
            derived_from=_JUDGED,
        ),
        Column(
            "std",
            FLOAT,
            "Standard deviation over matches (of modality_auc: over folds)",
            nullable=True,
            derived_from=_JUDGED,
        ),
        Column("ci_low", FLOAT, "95 % bootstrap interval over matches", nullable=True, derived_from=_JUDGED),
        Column("ci_high", FLOAT, "95 % bootstrap interval over matches", nullable=True, derived_from=_JUDGED),
        Column("n", INT, "Queries, or pairs, behind the figure", derived_from=_JUDGED),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True, derived_from=_JUDGED),
        Column("note", STRING, "Why there is no figure", nullable=True),
    ),
)

QUERY_HISTOGRAMS = TableSpec(
    "query_histograms",
    "On the test matches: cosines of queries to what they retrieve, and how often items are retrieved",
    ("space", "config_id", "kind", "query_modality", "bin_low"),
    (
        Column("space", STRING, "raw, annotation, adapted"),
        Column(
            "config_id",
            STRING,
            "The adapter; null without one",
            nullable=True,
            derived_from=("adapters.config_id",),
        ),
        Column("kind", STRING, "cosine, occurrence"),
        Column(
            "query_modality",
            STRING,
            "text>text, text>image, image>text, image>image; of occurrences all, text, image",
        ),
        Column("bin_low", FLOAT, "From, inclusive"),
        Column("bin_high", FLOAT, "To, exclusive"),
        Column("count", INT, "Pairs, or items", derived_from=_JUDGED),
    ),
)

_LABELS = Column(
    "labels",
    STRING,
    "matches (the pipeline's), view (of another view), people:text and people:image (collections)",
)
_TRIAL_KEY = (
    Column("config_id", STRING, "The configuration; selected:KIND is the pick on validation"),
    Column("kind", STRING, "inductive, transductive"),
    Column("metric", STRING, "As in metrics"),
    Column("gallery", STRING, "full, balanced"),
    Column("query_modality", STRING, "all, text, image, or a direction"),
    Column("k", INT, "Neighbours", nullable=True),
    Column("calibrated", BOOL, "With the query's level per modality taken off"),
)

_TRIED = (
    "annotation_embeddings.vector",
    "annotations.text",
    "artefacts.collection",
    "clusters.cluster",
    "cluster_matches.match",
)

EXPERIMENT_TRIALS = TableSpec(
    "experiment_trials",
    "Every recipe on every split of the matches: each figure of the design on the test matches",
    ("labels", "split_seed", "config_id", "metric", "gallery", "query_modality", "k", "calibrated"),
    (
        _LABELS,
        Column("split_seed", INT, "Which split of the matches"),
        *_TRIAL_KEY,
        Column("value", FLOAT, "The figure", nullable=True, derived_from=_TRIED),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True),
        Column("n", INT, "Queries, or pairs, behind it"),
    ),
)

EXPERIMENT_RESULTS = TableSpec(
    "experiment_results",
    "The same over all splits, and how it differs from doing nothing on the same splits",
    ("labels", "config_id", "metric", "gallery", "query_modality", "k", "calibrated"),
    (
        _LABELS,
        *_TRIAL_KEY,
        Column("mean", FLOAT, "Mean over splits", derived_from=_TRIED),
        Column("std", FLOAT, "Standard deviation over splits", derived_from=_TRIED),
        Column("difference", FLOAT, "Mean paired difference to identity", derived_from=_TRIED),
        Column(
            "difference_low",
            FLOAT,
            "95 % interval of it (corrected resampled t, Nadeau & Bengio 2003)",
            nullable=True,
            derived_from=_TRIED,
        ),
        Column("difference_high", FLOAT, "The same", nullable=True, derived_from=_TRIED),
        Column("wins", INT, "Splits on which it is above identity"),
        Column("splits", INT, "Splits that have the figure"),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True),
    ),
)

CLUSTER_AGREEMENT = TableSpec(
    "cluster_agreement",
    "How clusters agree with what people called the items, and (demo users) with the planted themes",
    ("labels", "space", "modality", "metric"),
    (
        Column("labels", STRING, "people (collections), planted (themes of a demo user)"),
        Column("space", STRING, "annotation (before), adapted (after): where the clusters were made"),
        Column("modality", STRING, "text, image; pairs"),
        Column(
            "metric",
            STRING,
            "ari, ami; with _without_noise, over items in a cluster only; themes_matched: share of themes "
            "matched to themselves",
        ),
        Column(
            "value",
            FLOAT,
            "The figure",
            nullable=True,
            derived_from=("artefacts.collection", "clusters.cluster", "adapted_embeddings.vector"),
        ),
        Column("n", INT, "Items, or themes"),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True),
    ),
)

FIGURES = TableSpec(
    "figures",
    "The pictures that were drawn, and the map as a page, as files below the lake",
    ("name",),
    (
        Column("name", STRING, "Name of the picture"),
        Column("caption", STRING, "What it shows"),
        Column("path", STRING, "File below the lake"),
        Column("sha256", STRING, "Hash of the file", derived_from=("projections.x", "projections.y")),
        Column("bytes", INT, "Size of the file", derived_from=("projections.x", "projections.y")),
    ),
)

PROVIDER_COSTS = TableSpec(
    "provider_costs",
    "What was asked of providers over the network for the user, and what it cost by their list prices",
    ("stage", "provider", "day"),
    (
        Column("stage", STRING, "The table that it was for"),
        Column("provider", STRING, "Provider and model"),
        Column("day", STRING, "Day, UTC"),
        Column("requests", INT, "Requests, or batches"),
        Column("items", INT, "Items answered"),
        Column("input_tokens", INT, "As the provider counts them"),
        Column("output_tokens", INT, "As the provider counts them"),
        Column("pixels", INT, "Of pictures"),
        Column("usd", FLOAT, "US dollars"),
    ),
)

METRIC_HISTORY = TableSpec(
    "metric_history",
    "A few figures on the test matches as each run left them: only ever added to, when one of them differs",
    ("run", "space", "config_id", "metric", "query_modality"),
    (
        Column("run", INT, "Number from 1: one for each time that the figures differed"),
        Column("at", TIME, "When the metrics were first seen to be so", measured=True),
        Column("space", STRING, "annotation (doing nothing), adapted (what was selected)"),
        Column(
            "config_id",
            STRING,
            "The selected adapter; null without one",
            nullable=True,
            derived_from=("adapters.config_id", "adapters.selected"),
        ),
        *_from(
            "metrics",
            Column("metric", STRING, "As in metrics: on the full gallery, uncalibrated"),
            Column("query_modality", STRING, "all, text, image, or text>image"),
            Column("k", INT, "Neighbours looked at", nullable=True),
            Column("value", FLOAT, "The figure", nullable=True),
            Column("ci_low", FLOAT, "95 % bootstrap interval over matches", nullable=True),
            Column("ci_high", FLOAT, "95 % bootstrap interval over matches", nullable=True),
            Column("chance", FLOAT, "What no knowledge would give", nullable=True),
            Column("n", INT, "Queries, or pairs, behind the figure"),
        ),
        Column("posts", INT, "Posts with an annotation", derived_from=("clusters.modality",)),
        Column("pins", INT, "Pins with an annotation", derived_from=("clusters.modality",)),
    ),
)

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        FOLDER_ITEMS,
        FOLDER_REJECTS,
        DEMO_ITEMS,
        SUBSTACK_EXPORT,
        SUBSTACK_EXPORT_REJECTS,
        SUBSTACK_PUBLICATIONS,
        SUBSTACK_POSTS,
        SUBSTACK_REJECTS,
        PINTEREST_EXPORT,
        PINTEREST_EXPORT_REJECTS,
        PINTEREST_BOARDS,
        PINTEREST_PINS,
        PINTEREST_REJECTS,
        IMAGE_BLOBS,
        IMAGE_REFS,
        ARTEFACTS,
        ANNOTATIONS,
        RAW_EMBEDDINGS,
        CAPTION_EMBEDDINGS,
        ANNOTATION_EMBEDDINGS,
        NEIGHBOURS,
        CLUSTER_PROJECTIONS,
        CLUSTERS,
        CLUSTER_CARDS,
        CLUSTER_MATCHES,
        CLUSTER_QUALITY,
        ADAPTERS,
        ADAPTED_EMBEDDINGS,
        PROJECTIONS,
        METRICS,
        QUERY_HISTOGRAMS,
        METRIC_HISTORY,
        FIGURES,
        PROVIDER_COSTS,
        EXPERIMENT_TRIALS,
        EXPERIMENT_RESULTS,
        CLUSTER_AGREEMENT,
    )
}
