{{ staged_streams('helpbox', ['tickets'], without_versions=['events', 'ratings']) }}
