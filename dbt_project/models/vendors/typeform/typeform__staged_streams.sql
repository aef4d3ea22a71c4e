{{ staged_streams('typeform', ['forms'], without_versions=['responses']) }}
