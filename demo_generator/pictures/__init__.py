"""The pictures of the demo user, each drawn by code: ``subjects`` has them by name.

Modules named by what they show hold the subjects, each a public function ``(rng, size, palette)`` that
returns a picture. What they share is in modules that hold no subject: ``canvas``, ``light`` and ``pen``
for all of them; ``shapes``, ``scene``, ``surfaces``, ``windows`` and ``things`` for rooms and tables;
``landscape``, ``architecture`` and ``perspective`` for places; ``botany`` for plants on paper.
"""

from functools import cache

from demo_generator.pictures.canvas import Subject


@cache
def subjects() -> dict[str, Subject]:
    """Every subject by its name. ``quotes.quote_card`` stands apart, for it is given its words as well."""
    # Imported here, so that whoever only lists the demo user's items need not load what draws them.
    from demo_generator.pictures import (
        chapel,
        city_night,
        concrete,
        drawings,
        garden,
        hills,
        kitchen,
        machines,
        mornings,
        papers,
        party,
        plants,
        pottery,
        railway,
        rooms,
        screens,
        sea,
        study,
        summer,
        textiles,
        winter,
        workshop,
    )

    by_module: tuple[tuple[Subject, ...], ...] = (
        (chapel.arches, chapel.candles_row, chapel.gold_icon, chapel.rose_window),
        (city_night.empty_street, city_night.neon_sign, city_night.night_facade, city_night.rain_window),
        (concrete.concrete_facade, concrete.concrete_stairs),
        (drawings.grid_drawing, drawings.joinery_drawing),
        (garden.garden_beds, garden.pots_on_sill),
        (hills.footpath, hills.ridge_layers, hills.tent_stars, hills.topographic_map),
        (kitchen.bread_and_bowls, kitchen.fruit_still_life, kitchen.jars_shelf, kitchen.long_table),
        (machines.circuit_lines, machines.synth_panel, machines.waveform),
        (mornings.breakfast_tray, mornings.coffee_cup, mornings.linen_folds, mornings.window_light),
        (papers.letter, papers.suitcase_labels, papers.timetable),
        (party.bunting, party.checker_floor, party.confetti, party.pattern_clash),
        (plants.botanical_line, plants.botanical_plate, plants.seed_packet),
        (pottery.cracked_bowl,),
        (railway.railway_tracks, railway.train_window),
        (rooms.empty_chair, rooms.empty_room),
        (screens.terminal_screen,),
        (sea.lighthouse, sea.pebbles, sea.seascape, sea.tide_lines),
        (study.arched_library, study.bookshelf, study.candle_desk),
        (summer.deckchairs, summer.ice_lolly, summer.kite_field, summer.pool_water),
        (textiles.quilt, textiles.visible_mending, textiles.weave),
        (winter.bare_tree, winter.snow_field),
        (workshop.tool_wall, workshop.wood_grain, workshop.workbench),
    )
    return {subject.__name__: subject for module in by_module for subject in module}
