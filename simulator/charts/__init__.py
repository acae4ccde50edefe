"""Charts that several features share: frames in, Plotly figures out, one function a chart.

It may import explain and what lies below.
"""
