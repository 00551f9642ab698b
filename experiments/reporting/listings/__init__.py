"""What a report lists in the place of its table: quoted texts, costs, figures by parts, weights of decoders."""
