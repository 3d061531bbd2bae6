"""``python -m demo_generator``: write every item, picture and planted theme anew."""

from demo_generator.shipped import write
from qualia_assets.progress import logged


def main() -> None:
    write(logged(print))


if __name__ == "__main__":
    main()
